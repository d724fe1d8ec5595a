import { connect, createServer, type Socket } from 'node:net';

import { createCluster, Keyring, type Logger } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { connectTcpClient, tcpTransport } from '../src/index.ts';
import { StreamKeys } from '../src/stream-keys.ts';
import {
  bytes,
  isConnected,
  makeNode,
  type NodeOptions,
  realSystem,
  startNode,
  type TestNode,
  until,
} from './harness.ts';

const SECRET = 'a secret of these tests';
const quick = { reconnect: { minMs: 5, maxMs: 20 } };
const keyring = (use = SECRET, ...accept: readonly string[]) => new Keyring({ use, accept });

/** What a node logs. */
function listener(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const take = (text: string) => void lines.push(text);
  return { lines, debug: take, info: take, warn: take, error: take };
}

function refusals(node: TestNode): readonly string[] {
  return node.events.flatMap((event) => (event.type === 'refused' ? [event.error.code] : []));
}

/** The stranger dials; the one that has the secret refuses it, says so, and still lets an honest one in. */
async function expectRefused(stranger: Omit<NodeOptions, 'id'>, code: string, why: RegExp): Promise<TestNode> {
  const logger = listener();
  await using a = await startNode({ id: 'a', keyring: keyring(), logger });
  await using b = await startNode({ id: 'b', transport: quick, ...stranger });
  b.transport.addContact(a.address);
  await until(() => refusals(a).length > 2 && b.events.some(({ type }) => type === 'unreachable'));
  expect(refusals(a)[0]).toBe(code);
  // Often refused, once logged.
  expect(logger.lines.filter((line) => /refused a connection/u.test(line))).toEqual([expect.stringMatching(why)]);
  expect(logger.lines.join()).not.toContain(SECRET);
  await using honest = await startNode({ id: 'honest', keyring: keyring() });
  honest.transport.addContact(a.address);
  await until(() => isConnected(a, 'honest'));
  expect(isConnected(a, 'b') || isConnected(b, 'a')).toBe(false);
  return b;
}

describe('a node with a secret refuses', () => {
  it('another secret', async () => {
    const stranger = await expectRefused(
      { keyring: keyring('quite another secret') },
      'REFUSED',
      /secret is not accepted/u,
    );
    expect(stranger.events.find(({ type }) => type === 'unreachable')).toMatchObject({ error: { code: 'REFUSED' } });
  });

  it('the secret for another cluster', async () => {
    await expectRefused({ keyring: keyring(), cluster: 'other' }, 'CLUSTER_MISMATCH', /another cluster than "test"/u);
  });

  it('a plain peer', async () => {
    const logger = listener();
    await expectRefused({ logger }, 'REFUSED', /does not speak TLS/u);
    // Whoever forgot the secret reads in that node's log what is missing.
    expect(logger.lines[0]).toMatch(/without a word: it wants a secret or a certificate/u);
  });

  it('another version of the protocol, and a frame out of place', async () => {
    const shared = keyring();
    await using a = await startNode({ id: 'a', keyring: shared });
    for (const opening of [
      Uint8Array.of(0, 0, 0, 11, 1, 0x51, 0x55, 0x4f, 0x52, 0, 7, 0, 9, 0x7b, 0x7d),
      Uint8Array.of(0, 0, 0, 3, 16, 4, 0),
    ]) {
      const before = refusals(a).length;
      await using dialled = await raw(a, shared);
      dialled.write(opening);
      await until(() => refusals(a).length > before);
    }
    expect(refusals(a)).toEqual(['PROTOCOL', 'PROTOCOL']);
  });

  it('nodes that it is not to know', async () => {
    const allow = (id: string) => id !== 'b';
    await using a = await startNode({ id: 'a', keyring: keyring(), transport: { allow } });
    await using b = await startNode({ id: 'b', keyring: keyring(), transport: quick });
    await using c = await startNode({ id: 'c', keyring: keyring() });
    b.transport.addContact(a.address);
    c.transport.addContact(a.address);
    await until(() => isConnected(a, 'c') && refusals(a).length > 0);
    expect(a.transport.peers.map(({ node }) => node.id)).toEqual(['c']);
    expect(b.events.find(({ type }) => type === 'unreachable')).toMatchObject({
      error: { code: 'REFUSED', message: 'a is not to be connected with b' },
    });
  });

  it('nobody whom it may know because the question fails', async () => {
    const allow = () => {
      throw new Error('the list is not there');
    };
    await using a = await startNode({ id: 'a', transport: { allow } });
    await using b = await startNode({ id: 'b' });
    b.transport.addContact(a.address);
    await until(() => refusals(a).length > 0);
    expect(isConnected(a, 'b')).toBe(false);
  });

  it.each([
    { what: 'altered', meddle: (middle: Middle) => middle.alter() },
    { what: 'said again', meddle: (middle: Middle) => middle.repeat() },
  ])('what is $what on the way, says so, and carries on with others', async ({ meddle }) => {
    const [logger, sender] = [listener(), listener()];
    await using a = await startNode({ id: 'a', keyring: keyring(), logger });
    await using honest = await startNode({ id: 'honest', keyring: keyring() });
    honest.transport.addContact(a.address);
    await until(() => isConnected(a, 'honest'));
    await using middle = await tampering(a);
    await using b = await startNode({ id: 'b', keyring: keyring(), transport: quick, logger: sender });
    b.transport.addContact(middle.address);
    await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
    const got: string[] = [];
    a.transport.onMessage(1024, (_, payload) => got.push(new TextDecoder().decode(payload)));
    meddle(middle);
    b.transport.send('a', 1024, bytes('pay 10'));
    await until(() => a.events.some(({ type }) => type === 'disconnected'));
    expect(got).toEqual(middle.repeated ? ['pay 10'] : []);
    const why = /ended the connection with b: .* what came is not as the other side sealed it.* \(ERR_SSL_\w+\)$/u;
    expect(a.events.filter(({ type }) => type === 'refused' || type === 'disconnected')).toEqual([
      {
        type: 'refused',
        remote: expect.objectContaining({ host: '127.0.0.1' }) as unknown,
        error: expect.objectContaining({ code: 'PROTOCOL', message: expect.stringMatching(why) as string }) as unknown,
      },
      {
        type: 'disconnected',
        peer: expect.objectContaining({ node: b.transport.self }) as unknown,
        reason: 'protocol',
      },
    ]);
    expect(logger.lines.filter((line) => /ended the connection/u.test(line))).toEqual([expect.stringMatching(why)]);
    // The other side is told by TLS.
    await until(() => b.events.some(({ type }) => type === 'disconnected'));
    expect(sender.lines).toContainEqual(expect.stringMatching(/a ended the connection: .*could not take what it got/u));
    expect(refusals(b)).toEqual([]);
    expect(isConnected(a, 'honest')).toBe(true);
  });

  it('what is altered while nobody has said yet who it is', async () => {
    const shared = keyring();
    await using a = await startNode({ id: 'a', keyring: shared });
    await using middle = await tampering(a);
    await using dialled = await raw(middle, shared);
    middle.alter();
    dialled.write(Uint8Array.of(0, 0, 0, 3, 16, 4, 0));
    await until(() => refusals(a).length > 0);
    expect(a.events).toMatchObject([{ type: 'refused', error: { code: 'PROTOCOL' } }]);
    expect(a.events[0]).toMatchObject({
      error: { message: expect.stringMatching(/is not as the other side sealed it/u) },
    });
  });

  it('what a client sends, when it is altered on the way', async () => {
    await using a = await startNode({ id: 'a', keyring: keyring() });
    a.transport.onRequest(1024, (_, payload) => payload, { clients: true });
    await using middle = await tampering(a);
    const given = { system: realSystem, cluster: 'test', id: 'operator', secret: SECRET };
    await using client = await connectTcpClient(middle.address, given);
    await client.request(1024, bytes('as it was'));
    middle.alter();
    await expect(client.request(1024, bytes('pay 10'))).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await until(() => refusals(a).length > 0);
    expect(a.events).toMatchObject([
      { type: 'refused', error: { message: expect.stringMatching(/with operator: .* as the other side sealed it/u) } },
    ]);
  });

  it('nothing of a connection that is merely cut or reset', async () => {
    for (const kind of ['cut', 'reset'] as const) {
      const logger = listener();
      await using a = await startNode({ id: 'a', keyring: keyring(), logger });
      await using middle = await tampering(a);
      await using b = await startNode({ id: 'b', keyring: keyring() });
      b.transport.addContact(middle.address);
      await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
      middle[kind]();
      await until(() => a.events.some(({ type }) => type === 'disconnected'));
      expect(a.events.at(-1)).toMatchObject({ type: 'disconnected', reason: 'closed' });
      expect([refusals(a), logger.lines]).toEqual([[], []]);
    }
  });
});

it('a cluster tells of connections that it refused', async () => {
  const cluster = createCluster({
    name: 'test',
    nodeId: 'a',
    secret: SECRET,
    transport: tcpTransport(),
    logger: listener(),
  });
  const told: string[] = [];
  cluster.on('connectionRefused', ({ error }) => told.push(error.code));
  await cluster.start();
  await using b = await startNode({ id: 'b', keyring: keyring('quite another secret'), transport: quick });
  b.transport.addContact(cluster.self);
  await until(() => told.length > 0);
  expect(told[0]).toBe('REFUSED');
  await using c = await startNode({ id: 'c', keyring: keyring() });
  c.transport.addContact(cluster.self);
  await until(() => isConnected(c, 'a'));
  await cluster.stop();
});

describe('a node without a secret', () => {
  it('refuses who speaks TLS to it, and says what is missing', async () => {
    await using a = await startNode({ id: 'a' });
    await using b = await startNode({ id: 'b', keyring: keyring(), transport: quick });
    b.transport.addContact(a.address);
    await until(() => refusals(a).length > 0 && b.events.some(({ type }) => type === 'unreachable'));
    expect(a.events.find(({ type }) => type === 'refused')).toMatchObject({
      error: { code: 'PROTOCOL', message: expect.stringMatching(/speaks TLS, and this one has no secret/u) as string },
    });
    expect(b.events.find(({ type }) => type === 'unreachable')).toMatchObject({
      error: { code: 'REFUSED', message: expect.stringMatching(/does not speak TLS/u) as string },
    });
  });

  it('binds what others reach only when it is insecure, and warns once', async () => {
    expect(() => makeNode({ id: 'a', host: '0.0.0.0' })).toThrow(/bind must be loopback/u);
    const logger = listener();
    await using open = await startNode({ id: 'a', host: '0.0.0.0', insecure: true, logger });
    expect(logger.lines.filter((line) => /whoever reaches the port can join/u.test(line))).toHaveLength(1);
    const quiet = listener();
    await using closed = await startNode({ id: 'b', host: '0.0.0.0', keyring: keyring(), logger: quiet });
    expect([open.address.port > 0, closed.address.port > 0, quiet.lines]).toEqual([true, true, []]);
  });
});

/** A stream that has the secret, and says what it likes. */
async function raw(node: Pick<TestNode, 'address'>, shared: Keyring) {
  const security = new StreamKeys(realSystem.crypto, shared, 'test');
  const nothing = () => undefined;
  const socket = await realSystem.net.connect(
    node.address,
    { data: nothing, drain: nothing, close: nothing },
    { security },
  );
  return {
    write: (opening: Uint8Array) => socket.write([opening]),
    [Symbol.asyncDispose]: async () => socket.destroy(),
  };
}

type Middle = Awaited<ReturnType<typeof tampering>>;

/** Passes bytes on to a node, until it is told to alter them, or to pass them on twice. */
async function tampering(node: TestNode) {
  let isAltering = false;
  let isRepeating = false;
  let last: Socket | undefined;
  const server = createServer((inbound) => {
    const outbound = connect(node.address.port, node.address.host);
    last = outbound;
    for (const socket of [inbound, outbound]) socket.on('error', () => undefined);
    inbound.on('data', (chunk: Buffer) => {
      // The last byte of a record is of what is encrypted, or of its seal.
      if (isAltering) chunk.writeUInt8(chunk.readUInt8(chunk.length - 1) ^ 1, chunk.length - 1);
      outbound.write(chunk);
      if (isRepeating) outbound.write(chunk);
    });
    outbound.on('data', (chunk: Buffer) => inbound.write(chunk));
    inbound.on('close', () => outbound.destroy());
    outbound.on('close', () => inbound.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    address: { host: '127.0.0.1', port: (server.address() as { port: number }).port },
    get repeated() {
      return isRepeating;
    },
    alter: () => void (isAltering = true),
    repeat: () => void (isRepeating = true),
    cut: () => void last?.destroy(),
    reset: () => void last?.resetAndDestroy(),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
