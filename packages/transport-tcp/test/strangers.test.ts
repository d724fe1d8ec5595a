import { connect, createServer, type Socket } from 'node:net';

import { type Net, silentLogger, type Socket as Connected, type SocketHandler } from '@quorate/core';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import type { Frame } from '../src/frame.ts';
import { encodeFrame } from '../src/frame-codec.ts';
import { bytes, isConnected, realSystem, startNode, type TestNode, until } from './harness.ts';

type Sent = Exclude<Frame, { type: 'UNKNOWN' }>;

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

describe('strangers', () => {
  it.each([
    ['HTTP', bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['TLS', Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)],
    ['a frame above the bound', Uint8Array.of(0, 0, 0x40, 1, 1)],
    ['a message before the handshake', raw({ type: 'MESSAGE', kind: 1, payload: bytes('hi') })],
    ['an introduction without a node', raw(hello({ node: undefined }))],
    ['an introduction with a huge incarnation', raw(hello({ incarnation: 1e300 }))],
    ['no common authentication', raw(hello({ auth: ['secret'] }))],
    ['a later version', raw({ type: 'HELLO', minVersion: 2, maxVersion: 9, intro: {} })],
  ])('are refused: %s', async (_, opening) => {
    await using a = await startNode({ id: 'a' });
    const stranger = await dial(a);
    stranger.socket.write(opening);
    await until(() => stranger.closed);
    // What came back is one REFUSE.
    expect(stranger.received[4]).toBe(4);
    await until(() => a.events.some(({ type }) => type === 'refused'));
    await expectToAccept(a);
  });

  it('that say nothing, or only slowly, are closed in time', async () => {
    await using a = await startNode({ id: 'a', transport: { handshakeTimeoutMs: 40 } });
    const silent = await dial(a);
    const slow = await dial(a);
    const opening = raw(hello({}));
    let sent = 0;
    await until(() => {
      if (!slow.closed && sent < opening.length - 1) slow.socket.write(opening.subarray(sent, (sent += 1)));
      return silent.closed && slow.closed;
    });
    expect(a.events.filter((event) => event.type === 'refused' && event.error.code === 'TIMEOUT')).toHaveLength(2);
    await expectToAccept(a);
  });

  it('cannot keep others out by opening many connections', async () => {
    await using a = await startNode({ id: 'a', transport: { maxPendingConnections: 4 } });
    const strangers: Stranger[] = [];
    for (let count = 0; count < 12; count += 1) strangers.push(await dial(a));
    await until(() => strangers.filter(({ closed }) => closed).length === 8);
    await expectToAccept(a);
  });

  it('that were refused, and neither read nor close, are not many at a time', async () => {
    let accept: ((socket: Connected) => SocketHandler) | undefined;
    const address = { host: '127.0.0.1', port: 7000 };
    const listen: Net['listen'] = (_, take) => {
      accept = take;
      return Promise.resolve({ address, [Symbol.asyncDispose]: () => Promise.resolve() });
    };
    const net = Object.assign(Object.create(realSystem.net) as Net, { listen });
    const limits = { maxPeers: 2, maxPendingConnections: 2 };
    await using _ = await startNode({ id: 'a', transport: limits, system: { ...realSystem, net } });
    const [all, open] = [new Set<SocketHandler>(), new Set<SocketHandler>()];
    for (let port = 1; port <= 60; port += 1) {
      const state: { handler?: SocketHandler } = {};
      const ends = { end: () => undefined, destroy: () => state.handler && open.delete(state.handler) };
      const flow = { bufferedBytes: 0, write: () => true, pause: () => undefined, resume: () => undefined };
      const handler = accept?.({ local: address, remote: { ...address, port }, ...flow, ...ends });
      if (handler === undefined) throw new Error('nothing listens');
      state.handler = handler;
      for (const set of [all, open]) set.add(handler);
      handler.data(bytes('GET / HTTP/1.1'));
    }
    expect(open.size).toBe(4);
    for (const handler of all) handler.close();
  });

  it('after a handshake cost their connection when they break the protocol', async () => {
    await using a = await startNode({ id: 'a' });
    for (const breach of [
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      raw(hello({})),
      raw({ type: 'STREAM_OPEN', id: 1, kind: 9 }, { type: 'REQUEST', id: 1, kind: 9, payload: bytes('') }).subarray(
        0,
        13,
      ),
      Uint8Array.of(0, 0, 0, 2, 20, 0),
    ]) {
      const stranger = await dial(a);
      stranger.socket.write(raw(hello({}), { type: 'READY' }));
      await until(() => isConnected(a, 'stranger'));
      stranger.socket.end(breach);
      await until(() => !isConnected(a, 'stranger') && stranger.closed);
    }
    const reasons = a.events.flatMap((event) => (event.type === 'disconnected' ? [event.reason] : []));
    expect(reasons).toEqual(['protocol', 'protocol', 'closed', 'protocol']);
    const told = a.events.flatMap((event) => (event.type === 'refused' ? [event.error.message] : []));
    expect(told).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^stranger broke the protocol: ./u)));
    await expectToAccept(a);
  });

  it('cannot make a receiver hold more than its window', async () => {
    await using a = await startNode({ id: 'a', transport: { streamWindowBytes: 16 * 1024 } });
    a.transport.onStream(1024, () => new Promise(() => undefined));
    const stranger = await dial(a);
    stranger.socket.write(raw(hello({}), { type: 'READY' }, { type: 'STREAM_OPEN', id: 1, kind: 1024 }));
    const chunk = raw({ type: 'STREAM_CHUNK', id: 1, payload: new Uint8Array(8 * 1024) });
    stranger.socket.write(chunk);
    await until(() => isConnected(a, 'stranger'));
    stranger.socket.write(chunk);
    await until(() => a.events.some((event) => event.type === 'disconnected' && event.reason === 'protocol'));
  });

  it('are refused beyond the most peers known, but take the place of one that has gone', async () => {
    await using a = await startNode({ id: 'a', transport: { maxPeers: 1 } });
    const b = await startNode({ id: 'b' });
    b.transport.addContact(a.address);
    await until(() => isConnected(a, 'b'));
    await using c = await startNode({ id: 'c', transport: { reconnect: { minMs: 1, maxMs: 5 } } });
    c.transport.addContact(a.address);
    await until(() =>
      c.events.some((event) => event.type === 'unreachable' && /too many peers/u.test(event.error.message)),
    );
    await b[Symbol.asyncDispose]();
    await until(() => isConnected(a, 'c'));
    expect(a.transport.peers.map(({ node }) => node.id)).toEqual(['c']);
  });

  it('are refused beyond the most peers known when they come at once, too', async () => {
    await using a = await startNode({ id: 'a', transport: { maxPeers: 2 } });
    await using crowd = new AsyncDisposableStack();
    const others: TestNode[] = [];
    for (const id of ['b', 'c', 'd', 'e', 'f', 'g']) {
      others.push(crowd.use(await startNode({ id, transport: { reconnect: { minMs: 20, maxMs: 40 } } })));
    }
    for (const { transport } of others) transport.addContact(a.address);
    const isTurnedAway = ({ events }: TestNode) =>
      events.some((event) => event.type === 'unreachable' && /too many peers/u.test(event.error.message));
    await until(() => others.filter(isTurnedAway).length >= 4);
    expect(a.transport.peers).toHaveLength(2);
    expect(new Set(a.events.flatMap((event) => (event.type === 'connected' ? [event.peer.node.id] : []))).size).toBe(2);
  });

  it('that come under ever other names and addresses are not dialled for ever', async () => {
    const dialled: number[] = [];
    const connect: Net['connect'] = ({ port }) => {
      dialled.push(port);
      return Promise.reject(new Error('nobody there'));
    };
    const listen: Net['listen'] = (...given) => realSystem.net.listen(...given);
    const net = { ...realSystem.net, connect, listen };
    const options = { maxPeers: 2, reconnect: { minMs: 1, maxMs: 5 } };
    await using a = await startNode({ id: 'a', transport: options, system: { ...realSystem, net } });
    for (let port = 1; port <= 12; port += 1) {
      const node = { id: `n${port}`, host: '127.0.0.1', port };
      const stranger = await dial(a);
      stranger.socket.write(raw(hello({ node }), { type: 'READY' }));
      await until(() => isConnected(a, node.id));
      stranger.socket.destroy();
      await until(() => !isConnected(a, node.id));
    }
    dialled.length = 0;
    await until(() => [11, 12].every((wanted) => dialled.filter((port) => port === wanted).length >= 5));
    expect(new Set(dialled)).toEqual(new Set([11, 12]));
  });

  it('of one name in several runs have one connection in the end', async () => {
    await using a = await startNode({ id: 'a' });
    const first = await dial(a);
    first.socket.write(raw(hello({}), { type: 'READY' }));
    await until(() => isConnected(a, 'stranger'));
    // A second run answers at another address: whether the first one lives is asked, and not answered.
    const second = { closed: false };
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined).on('close', () => (second.closed = true)));
      socket.resume().write(raw(welcome({ incarnation: 2, node: { id: 'stranger', host: '127.0.0.1', port } })));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    a.transport.addContact({ host: '127.0.0.1', port });
    await until(() => first.received.at(-1) === 6);
    // A third one takes the place of the first while that is asked.
    const third = await dial(a);
    third.socket.write(raw(hello({ incarnation: 3 }), { type: 'READY' }));
    await until(() => first.closed && second.closed !== third.closed);
    server.close();
    expect(isConnected(a, 'stranger')).toBe(true);
  });

  it('write no lines of their own into the log', async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
    await using a = await startNode({ id: 'a', logger });
    const forged = 'x\n2026-01-01 all is well\u001b[2J\u009b2J\u2028';
    const goodbyes: object[] = [
      { reason: forged, message: forged },
      { reason: { toString: 1 }, message: [forged] },
    ];
    for (const detail of goodbyes) {
      const stranger = await dial(a);
      stranger.socket.write(raw(hello({}), { type: 'READY' }, { type: 'GOODBYE', detail }));
      await until(() => stranger.closed);
    }
    const other = await dial(a);
    other.socket.write(raw(hello({ cluster: forged })));
    await until(() => other.closed);
    expect(lines).toEqual([
      expect.stringMatching(/stranger closed the connection: x.2026-01-01 all is well/u),
      expect.stringMatching(/a belongs to cluster "test", stranger to "x.2026/u),
    ]);
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Zl}]/u);
    expect(a.events.flatMap((event) => (event.type === 'disconnected' ? [event.reason] : []))).toEqual([
      'closed',
      'closed',
    ]);
    const refuse: Sent = { type: 'REFUSE', maxVersion: 1, detail: { reason: { toString: 1 }, message: forged } };
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.end(raw(refuse));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    a.transport.addContact({ host: '127.0.0.1', port: (server.address() as { port: number }).port });
    const told = () => a.events.flatMap((event) => (event.type === 'unreachable' ? [event.error] : []));
    await until(() => told().some(({ code }) => code === 'REFUSED'));
    server.close();
    expect(told().find(({ code }) => code === 'REFUSED')?.message).toMatch(/^x.2026-01-01 all is well[^\n]*$/u);
  });

  it('of a later version may send frames that are unknown', async () => {
    await using a = await startNode({ id: 'a' });
    const stranger = await dial(a);
    stranger.socket.write(raw(hello({ colour: 'blue' }), { type: 'READY' }));
    stranger.socket.write(Uint8Array.of(0, 0, 0, 3, 250, 1, 2));
    stranger.socket.write(raw({ type: 'MESSAGE', kind: 60_000, payload: bytes('?') }, { type: 'PING' }));
    await until(() => stranger.received.at(-1) === 7);
    expect(isConnected(a, 'stranger')).toBe(true);
  });

  it('that flood and never read are cut off', async () => {
    await using a = await startNode({ id: 'a', transport: { maxQueueBytes: 64 * 1024 } });
    a.transport.onRequest(1024, () => new Uint8Array(60_000));
    const stranger = await dial(a);
    stranger.socket.pause();
    stranger.socket.write(raw(hello({}), { type: 'READY' }));
    let id = 0;
    await until(() => isConnected(a, 'stranger'));
    await until(() => {
      const many = Array.from({ length: 100 }, (): Sent => ({
        type: 'REQUEST',
        id: (id += 1),
        kind: 1024,
        payload: bytes(''),
      }));
      if (stranger.socket.writableLength < 1_000_000) stranger.socket.write(raw(...many));
      return !isConnected(a, 'stranger');
    });
    await expectToAccept(a);
  });

  it('that answer a dial are refused too', async () => {
    await using a = await startNode({ id: 'a' });
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.write('220 mail.example.com ESMTP\r\n');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    a.transport.addContact({ host: '127.0.0.1', port: (server.address() as { port: number }).port });
    await until(() => a.events.some((event) => event.type === 'unreachable' && event.error.code === 'PROTOCOL'));
    server.close();
    await expectToAccept(a);
  });

  it('with mutated conversations never end the process', async () => {
    await using a = await startNode({ id: 'a', transport: { handshakeTimeoutMs: 20, maxStreams: 2 } });
    a.transport.onRequest(1024, (_, payload) => payload);
    a.transport.onMessage(1024, () => undefined);
    a.transport.onStream(1024, async (_, chunks) => {
      for await (const chunk of chunks) void chunk;
    });
    const mutation = fc.record({ at: fc.nat(conversation.length - 1), to: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { maxLength: 6 }), fc.nat(conversation.length), async (mutations, length) => {
        const mutated = conversation.slice();
        for (const { at, to } of mutations) mutated[at] = to;
        const stranger = await dial(a);
        stranger.socket.end(mutated.subarray(0, length));
        await until(() => stranger.closed);
      }),
      { numRuns: 150 },
    );
    await expectToAccept(a);
  });
});

const conversation = raw(
  hello({}),
  { type: 'READY' },
  { type: 'MESSAGE', kind: 1024, payload: bytes('hello') },
  { type: 'REQUEST', id: 1, kind: 1024, payload: bytes('question') },
  { type: 'STREAM_OPEN', id: 1, kind: 1024 },
  { type: 'STREAM_CHUNK', id: 1, payload: bytes('chunk') },
  { type: 'PING' },
  { type: 'STREAM_END', id: 1 },
  { type: 'CANCEL', id: 1 },
  { type: 'ERROR', id: 3, detail: { code: 'REMOTE' } },
  { type: 'STREAM_CREDIT', id: 5, bytes: 100 },
  { type: 'IDENTITY', detail: { clusterId: 'c' } },
  { type: 'DESCRIPTION', detail: { id: 'stranger', host: '127.0.0.1', port: 1, metadata: { role: 'x' } } },
  { type: 'GOODBYE', detail: { reason: 'leaving' } },
);

interface Stranger {
  readonly socket: Socket;
  readonly received: readonly number[];
  readonly closed: boolean;
}

async function dial(node: TestNode): Promise<Stranger> {
  const socket = connect({ host: node.address.host, port: node.address.port });
  sockets.push(socket);
  const state = { socket, received: [] as number[], closed: false };
  socket.on('data', (chunk: Uint8Array) => void state.received.push(...chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => (state.closed = true));
  await new Promise<void>((resolve) => void socket.once('connect', resolve));
  return state;
}

/** Whatever happened, a proper peer is welcome. */
async function expectToAccept(node: TestNode): Promise<void> {
  await using peer = await startNode({ id: 'proper', incarnation: 1 });
  peer.transport.addContact(node.address);
  await until(() => isConnected(node, 'proper') && isConnected(peer, node.transport.self.id));
}

function hello(fields: object): Sent {
  return { type: 'HELLO', minVersion: 1, maxVersion: 1, intro: introduction(fields) };
}

function welcome(fields: object): Sent {
  return { type: 'WELCOME', version: 1, intro: introduction(fields) };
}

function introduction(fields: object): object {
  const node = { id: 'stranger', host: '127.0.0.1', port: 1 };
  return { cluster: 'test', node, incarnation: 1, maxFrameBytes: 65_536, auth: ['none'], ...fields };
}

function raw(...frames: readonly Sent[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((frame) => Object.values(encodeFrame(frame)).flatMap((part) => [...part])));
}
