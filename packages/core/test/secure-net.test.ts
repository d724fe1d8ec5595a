import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterError, isClusterError } from '../src/cluster-error.ts';
import { silentLogger } from '../src/logger.ts';
import type { Listener, ListenOptions, Socket, SocketHandler } from '../src/net.ts';
import { SystemNet } from '../src/node/net.ts';
import type { SharedKeySecurity } from '../src/stream-security.ts';

const net = new SystemNet(silentLogger);
const LOOPBACK = { host: '127.0.0.1', port: 0 };
const keyOf = (secret: string) => new Uint8Array(createHash('sha256').update(secret).digest());
const idle: SocketHandler = { data: () => undefined, drain: () => undefined, close: () => undefined };

const open: (Socket | Listener)[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) {
    if ('destroy' in thing) thing.destroy();
    else await thing[Symbol.asyncDispose]();
  }
});

/** Shows the first, accepts all. */
function keys(...secrets: readonly string[]): SharedKeySecurity {
  return {
    type: 'shared-key',
    use: () => ({ identity: secrets[0] ?? '', key: keyOf(secrets[0] ?? '') }),
    accept: (identity) =>
      secrets.includes(identity) ? keyOf(identity) : new ClusterError('REFUSED', 'its key is not known'),
  };
}

/** Says everything back; remembers who came and who was refused. */
async function echo(security: SharedKeySecurity, options: ListenOptions = {}) {
  const accepted: Socket[] = [];
  const refused: ClusterError[] = [];
  const listener = await net.listen(
    LOOPBACK,
    (socket) => {
      accepted.push(socket);
      return { ...idle, data: (bytes) => void socket.write([bytes]) };
    },
    { security, refused: (_, error) => void refused.push(error), ...options },
  );
  open.push(listener);
  return { listener, accepted, refused, address: listener.address };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => void setImmediate(resolve));
}

async function said(listener: Listener, security: SharedKeySecurity, text: string): Promise<Socket> {
  let heard = '';
  const handler = { ...idle, data: (bytes: Uint8Array) => (heard += new TextDecoder().decode(bytes)) };
  const socket = await net.connect(listener.address, handler, { security });
  open.push(socket);
  socket.write([new TextEncoder().encode(text)]);
  await until(() => heard === text);
  return socket;
}

describe('streams secured by a shared key', () => {
  it('carry bytes between ends that have the key, and give both the same secret of the stream', async () => {
    const { listener, accepted } = await echo(keys('one'));
    const first = await said(listener, keys('one'), 'hello');
    const second = await said(listener, keys('one'), 'again');
    expect(first.secured?.peer).toEqual({ type: 'shared-key', identity: 'one' });
    expect(accepted[0]?.secured?.peer).toEqual({ type: 'shared-key', identity: 'one' });
    const secret = first.secured?.exportSecret('test', 32);
    expect(secret).toHaveLength(32);
    expect(accepted[0]?.secured?.exportSecret('test', 32)).toEqual(secret);
    expect(first.secured?.exportSecret('other', 32)).not.toEqual(secret);
    expect(second.secured?.exportSecret('test', 32)).not.toEqual(secret);
  });

  it('ask for the keys at each connection', async () => {
    let secrets = ['one'];
    const security: SharedKeySecurity = {
      type: 'shared-key',
      use: () => keys(...secrets).use(),
      accept: (identity) => keys(...secrets).accept(identity),
    };
    const { listener } = await echo(security);
    await said(listener, security, 'one');
    secrets = ['two', 'one'];
    await said(listener, keys('one'), 'old');
    await said(listener, security, 'new');
    secrets = ['two'];
    await expect(said(listener, keys('one'), 'old')).rejects.toMatchObject({ code: 'REFUSED' });
    await said(listener, keys('two'), 'new');
  });

  it.each<[string, SharedKeySecurity, RegExp]>([
    ['an unknown identity', keys('stranger'), /its key is not known/u],
    [
      'a known identity without its key',
      { ...keys('one'), use: () => ({ identity: 'one', key: keyOf('guess') }) },
      /does not have the key that it names/u,
    ],
  ])('refuse %s, and say why', async (_, security, why) => {
    const { listener, accepted, refused } = await echo(keys('one'));
    const failure = await net.connect(listener.address, idle, { security }).catch((error: unknown) => error);
    expect(isClusterError(failure, 'REFUSED')).toBe(true);
    await until(() => refused.length === 1);
    expect(refused[0]).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(why) });
    expect(accepted).toEqual([]);
    await said(listener, keys('one'), 'an honest peer');
  });

  it('are forward secret: TLS 1.3 with an ephemeral exchange, and nothing less is taken', async () => {
    const { address } = await echo(keys('one'));
    const dial = (options: object) =>
      new Promise<TLSSocket | undefined>((resolve) => {
        const pskCallback = () => ({ psk: Buffer.from(keyOf('one')), identity: 'one' });
        const stream = connectTls({ ...address, checkServerIdentity: () => undefined, pskCallback, ...options });
        stream.once('secureConnect', () => resolve(stream));
        stream.once('error', () => resolve(undefined));
      });
    const stream = await dial({ ciphers: 'TLS_AES_128_GCM_SHA256' });
    expect(stream?.getProtocol()).toBe('TLSv1.3');
    expect(stream?.getCipher().name).toBe('TLS_AES_128_GCM_SHA256');
    expect(stream?.getEphemeralKeyInfo()).toMatchObject({ name: expect.stringContaining('X25519') as string });
    stream?.destroy();
    for (const ciphers of ['PSK', 'ECDHE-PSK-CHACHA20-POLY1305', 'ADH:@SECLEVEL=0', 'ECDHE-PSK-AES128-CBC-SHA256']) {
      expect(await dial({ maxVersion: 'TLSv1.2', ciphers })).toBeUndefined();
    }
  });

  it('are never resumed from a former one', async () => {
    const { address, accepted, refused } = await echo(keys('one'));
    const pskCallback = () => ({ psk: Buffer.from(keyOf('one')), identity: 'one' });
    const options = { ...address, ciphers: 'TLS_AES_128_GCM_SHA256', checkServerIdentity: () => undefined };
    const first = connectTls({ ...options, pskCallback });
    first.on('error', () => undefined);
    const ticket = await new Promise<Buffer>((resolve) => void first.once('session', resolve));
    first.destroy();
    expect(accepted).toHaveLength(1);
    const again = connectTls({ ...options, session: ticket });
    const outcome = await new Promise((resolve) => {
      again.once('secureConnect', () => resolve('connected'));
      again.once('error', () => resolve('failed'));
    });
    expect(outcome).toBe('failed');
    await until(() => refused.length === 1);
    expect(accepted).toHaveLength(1);
  });

  it('are not made with whoever has a certificate in place of the key', async () => {
    const server = createTlsServer({ ciphers: 'TLS_AES_128_GCM_SHA256', pskCallback: () => null });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const dialled = net.connect({ host: '127.0.0.1', port }, idle, { security: keys('one') });
    await expect(dialled).rejects.toMatchObject({ code: 'REFUSED' });
    server.close();
  });

  it.each([
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['the plain protocol', '\u0000\u0000\u0001\u0000\u0001QUOR\u0000\u0001\u0000\u0001{"cluster":"test"}'],
  ])('refuse who speaks no TLS: %s', async (_, opening) => {
    const { address, refused, listener } = await echo(keys('one'));
    const stranger = connect(address.port, address.host, () => stranger.write(opening));
    stranger.on('error', () => undefined);
    await new Promise((resolve) => void stranger.once('close', resolve));
    expect(refused).toMatchObject([{ code: 'REFUSED', message: 'it does not speak TLS' }]);
    await said(listener, keys('one'), 'an honest peer');
  });

  it('give strangers little time and few places', async () => {
    const { address, refused, listener } = await echo(keys('one'), { maxHandshakes: 2, handshakeTimeoutMs: 100 });
    const closed: number[] = [];
    const strangers = [0, 1, 2].map((number) => {
      const stranger = connect(address.port, address.host);
      stranger.on('error', () => undefined);
      stranger.once('close', () => closed.push(number));
      return stranger;
    });
    await until(() => refused.length === 1);
    expect(refused[0]?.code).toBe('OVERLOADED');
    await said(listener, keys('one'), 'an honest peer');
    await until(() => closed.length === 3);
    expect(refused.map(({ code }) => code)).toContain('TIMEOUT');
    for (const stranger of strangers) stranger.destroy();
  });

  it('report nobody who merely goes away, and end with the signal', async () => {
    const { address, refused, listener } = await echo(keys('one'));
    const stranger = connect(address.port, address.host, () => stranger.destroy());
    await new Promise((resolve) => void stranger.once('close', resolve));
    const aborted = net.connect(address, idle, { security: keys('one'), signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    await said(listener, keys('one'), 'an honest peer');
    expect(refused).toEqual([]);
  });

  it('tell a peer that is not there from one that refuses, and from one that is plain', async () => {
    const gone = await net.listen(LOOPBACK, () => idle);
    await gone[Symbol.asyncDispose]();
    const security = keys('one');
    await expect(net.connect(gone.address, idle, { security })).rejects.toMatchObject({ code: 'DISCONNECTED' });
    const plain = await net.listen(LOOPBACK, (socket) => {
      socket.write([new TextEncoder().encode('220 mail.example.com ESMTP\r\n')]);
      return idle;
    });
    open.push(plain);
    await expect(net.connect(plain.address, idle, { security })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('it does not speak TLS') as string,
    });
  });
});
