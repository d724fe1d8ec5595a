import { connect, createServer } from 'node:net';

import { createCluster, Keyring, type Logger } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { tcpTransport } from '../src/index.ts';
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

  it('what is altered on the way, and carries on with others', async () => {
    await using a = await startNode({ id: 'a', keyring: keyring() });
    await using honest = await startNode({ id: 'honest', keyring: keyring() });
    honest.transport.addContact(a.address);
    await until(() => isConnected(a, 'honest'));
    await using middle = await tampering(a);
    await using b = await startNode({ id: 'b', keyring: keyring(), transport: quick });
    b.transport.addContact(middle.address);
    await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
    const got: string[] = [];
    a.transport.onMessage(1024, (_, payload) => got.push(new TextDecoder().decode(payload)));
    middle.alter();
    b.transport.send('a', 1024, bytes('pay 10'));
    await until(() => a.events.some((event) => event.type === 'disconnected' && event.peer.node.id === 'b'));
    expect(got).toEqual([]);
    expect(isConnected(a, 'honest')).toBe(true);
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
async function raw(node: TestNode, shared: Keyring) {
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

/** Passes bytes on to a node, until it is told to alter them. */
async function tampering(node: TestNode) {
  let isAltering = false;
  const server = createServer((inbound) => {
    const outbound = connect(node.address.port, node.address.host);
    for (const socket of [inbound, outbound]) socket.on('error', () => undefined);
    inbound.on('data', (chunk: Buffer) => {
      // The last byte of a record is of what is encrypted, or of its seal.
      if (isAltering) chunk.writeUInt8(chunk.readUInt8(chunk.length - 1) ^ 1, chunk.length - 1);
      outbound.write(chunk);
    });
    outbound.on('data', (chunk: Buffer) => inbound.write(chunk));
    inbound.on('close', () => outbound.destroy());
    outbound.on('close', () => inbound.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    address: { host: '127.0.0.1', port: (server.address() as { port: number }).port },
    alter: () => (isAltering = true),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
