import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { CertificateFiles, isClusterError, Keyring, type TransportClient } from '@quorate/core';
import { findProgram, NodeAuthority, reportAbsent } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectTcpClient, type TcpClientOptions } from '../src/index.ts';
import { bytes, isConnected, realSystem, startNode, type TestNode, text, until } from './harness.ts';

const KIND = 1024;
const SECRET = 'a secret of these tests';
const OTHERS = 'quite another secret';

function connect(node: TestNode, options: Partial<TcpClientOptions> = {}): Promise<TransportClient> {
  return connectTcpClient(node.address, { system: realSystem, cluster: 'test', id: 'operator', ...options });
}

async function failure(promise: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const error = await promise.then(
    () => new Error('it was let in'),
    (reason: unknown) => reason,
  );
  if (!isClusterError(error)) throw error;
  return { code: error.code, message: error.message };
}

/** Answers with what it was asked, to clients as well. */
function echo(node: TestNode): Disposable {
  return node.transport.onRequest(KIND, (from, payload) => bytes(`${from}: ${text(payload)}`), { clients: true });
}

describe('a client', () => {
  it('is answered, and is no peer, and no event tells of it', async () => {
    await using a = await startNode({ id: 'a', clusterId: 'c1', keyring: new Keyring({ use: SECRET }) });
    echo(a);
    await using client = await connect(a, { secret: SECRET });
    expect(client).toMatchObject({ node: { id: 'a' }, clusterId: 'c1', isConnected: true });
    expect(text(await client.request(KIND, bytes('hello')))).toBe('operator: hello');
    expect(a.transport.peers).toEqual([]);
    expect(a.transport.peer('operator')).toBeUndefined();
    expect(a.transport.send('operator', KIND, bytes('x'))).toBe(false);
    await client[Symbol.asyncDispose]();
    expect((await failure(client.request(KIND, bytes('x')))).code).toBe('CLOSED');
    expect(a.events).toEqual([]);
  });

  it('may have the id of a node, even of the one that it asks, and keeps none of them out', async () => {
    await using a = await startNode({ id: 'a' });
    echo(a);
    await using asA = await connect(a, { id: 'a' });
    await using asB = await connect(a, { id: 'b' });
    await using another = await connect(a, { id: 'b' });
    await using b = await startNode({ id: 'b' });
    b.transport.addContact(a.address);
    await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
    b.transport.onRequest(KIND, () => bytes('the node'));
    expect(text(await a.transport.request('b', KIND, bytes('')))).toBe('the node');
    for (const client of [asA, asB, another]) expect(client.isConnected).toBe(true);
    expect(text(await asA.request(KIND, bytes('x')))).toBe('a: x');
  });

  it('is served only by handlers that say so', async () => {
    await using a = await startNode({ id: 'a' });
    const heard: string[] = [];
    const first = a.transport.onRequest(KIND, () => bytes('for members'));
    a.transport.onMessage(KIND, (from) => heard.push(from));
    await using client = await connect(a);
    expect((await failure(client.request(KIND, bytes('x')))).code).toBe('UNSUPPORTED');
    expect((await failure(client.request(KIND + 1, bytes('x')))).code).toBe('UNSUPPORTED');
    first[Symbol.dispose]();
    const second = echo(a);
    expect(text(await client.request(KIND, bytes('x')))).toBe('operator: x');
    second[Symbol.dispose]();
    expect((await failure(client.request(KIND, bytes('x')))).code).toBe('UNSUPPORTED');
    expect(heard).toEqual([]);
  });

  it('teaches the node nothing, and learns the id of the cluster', async () => {
    await using a = await startNode({ id: 'a' });
    await using client = await connect(a);
    expect([client.clusterId, a.clusterId]).toEqual([undefined, undefined]);
  });

  it('hears when the node leaves', async () => {
    await using a = await startNode({ id: 'a' });
    a.transport.onRequest(KIND, () => new Promise<Uint8Array>(() => undefined), { clients: true });
    await using client = await connect(a);
    const asked = failure(client.request(KIND, bytes('x')));
    // The request has arrived by the time the next is answered.
    await failure(client.request(KIND + 1, bytes('x')));
    await a[Symbol.asyncDispose]();
    expect((await asked).code).toBe('DISCONNECTED');
    expect(client.isConnected).toBe(false);
  });
});

describe('a node refuses a client', () => {
  it('with another secret, without one, and of another cluster', async () => {
    await using a = await startNode({ id: 'a', keyring: new Keyring({ use: SECRET }) });
    expect(await failure(connect(a, { secret: OTHERS }))).toMatchObject({ code: 'REFUSED' });
    expect(await failure(connect(a))).toMatchObject({ code: 'REFUSED' });
    expect((await failure(connect(a, { secret: SECRET, cluster: 'other' }))).code).toMatch(/MISMATCH|REFUSED/u);
    await until(() => a.events.length >= 3);
    expect(a.events.map(({ type }) => type)).toEqual(['refused', 'refused', 'refused']);
  });

  it('of another cluster, where nothing is authenticated', async () => {
    await using a = await startNode({ id: 'a' });
    expect((await failure(connect(a, { cluster: 'other' }))).code).toBe('CLUSTER_MISMATCH');
  });

  it('that it is not to know', async () => {
    await using a = await startNode({ id: 'a', transport: { allow: (id) => id !== 'operator' } });
    expect(await failure(connect(a))).toMatchObject({ code: 'REFUSED', message: expect.stringContaining('not to be') });
    await using other = await connect(a, { id: 'another' });
    expect(other.isConnected).toBe(true);
  });

  it('beyond the number that it may serve, until one goes', async () => {
    await using a = await startNode({ id: 'a', transport: { maxClients: 2 } });
    await using first = await connect(a);
    await using second = await connect(a);
    expect((await failure(connect(a))).code).toBe('OVERLOADED');
    // Peers have places of their own.
    await using b = await startNode({ id: 'b' });
    b.transport.addContact(a.address);
    await until(() => isConnected(a, 'b'));
    await first[Symbol.asyncDispose]();
    let third: TransportClient | undefined;
    while (third === undefined) third = await connect(a).catch(() => undefined);
    expect(second.isConnected).toBe(true);
    await third[Symbol.asyncDispose]();
  });

  it('whose secret is not accepted any more', async () => {
    const keyring = new Keyring({ use: SECRET });
    await using a = await startNode({ id: 'a', keyring });
    const connected = await connect(a, { secret: SECRET });
    await using client = connected;
    // It stands on both sides by the time it is answered.
    await failure(client.request(KIND, bytes('x')));
    keyring.change({ use: OTHERS });
    expect((await failure(connect(a, { secret: SECRET }))).code).toBe('REFUSED');
    await until(() => !client.isConnected);
  }, 15_000);
});

describe('a client is told', () => {
  it('that an older node knows no clients', async () => {
    await using server = await refusing(`{"reason":"version","message":"no common version of the protocol"}`);
    const options = { system: realSystem, cluster: 'test', id: 'operator' };
    const refused = await failure(connectTcpClient(server.address, options));
    expect(refused).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('no common version') });
    // To an older node it says that it doesn't speak its version: it must not be taken for a peer.
    expect(server.versions).toEqual([2, 2]);
  });

  it('that nobody is there, that nobody answers, and that it has given up', async () => {
    const options = { system: realSystem, cluster: 'test', id: 'operator' };
    const gone = await startNode({ id: 'a' });
    const { address } = gone;
    await gone[Symbol.asyncDispose]();
    expect((await failure(connectTcpClient(address, options))).code).toBe('DISCONNECTED');
    await using silent = await refusing(undefined);
    expect((await failure(connectTcpClient(silent.address, { ...options, timeoutMs: 20 }))).code).toBe('TIMEOUT');
    const given = connectTcpClient(silent.address, { ...options, signal: AbortSignal.timeout(20) });
    expect((await failure(given)).code).toBe('ABORTED');
  });

  it('which option is wrong, and never the secret', async () => {
    const options = { system: realSystem, cluster: 'test', id: 'operator' };
    const address = { host: '127.0.0.1', port: 1 };
    const wrong = await failure(connectTcpClient(address, { ...options, secret: 'too short' }));
    expect(wrong.code).toBe('INVALID_OPTIONS');
    expect(wrong.message).not.toContain('too short');
    expect((await failure(connectTcpClient(address, { ...options, id: '-' }))).message).toContain('id must be');
  });
});

const hasOpenssl = findProgram('openssl') !== undefined;
if (!hasOpenssl) reportAbsent('openssl');

describe.skipIf(!hasOpenssl)('a client with a certificate', () => {
  let folder: string;
  let authority: NodeAuthority;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quorate-clients-'));
    authority = await NodeAuthority.create(folder);
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it('is let in under the name in it, and under no other', async () => {
    const forA = await authority.issue('a', { names: 'URI:quorate://test/a' });
    const forOperator = await authority.issue('operator', { names: 'URI:quorate://test/operator' });
    await using certificates = new CertificateFiles({ ...forA, ca: authority.ca }, 'test', 'a');
    await certificates.open(realSystem);
    await using a = await startNode({ id: 'a', certificates });
    echo(a);
    await using client = await connect(a, { certificates: { ...forOperator, ca: authority.ca } });
    expect(text(await client.request(KIND, bytes('hello')))).toBe('operator: hello');
    const asOther = connect(a, { id: 'other', certificates: { ...forOperator, ca: authority.ca } });
    expect(await failure(asOther)).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('must name'),
    });
    expect((await failure(connect(a, { secret: SECRET }))).code).toBe('REFUSED');
  });
});

/** Accepts whoever comes, reads the versions that are offered, and refuses, or says nothing. */
async function refusing(detail: string | undefined) {
  const versions: number[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (hello) => {
      versions.push(hello.readUInt16BE(9), hello.readUInt16BE(11));
      if (detail === undefined) return;
      const json = Buffer.from(detail);
      const head = Buffer.from([0, 0, 0, 7 + json.length, 4, 0x51, 0x55, 0x4f, 0x52, 0, 1]);
      socket.end(Buffer.concat([head, json]));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('not bound');
  return {
    versions,
    address: { host: '127.0.0.1', port: bound.port },
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}
