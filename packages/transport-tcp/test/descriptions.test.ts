import { connect, type Socket } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';

import type { Frame } from '../src/frame.ts';
import { encodeFrame } from '../src/frame-codec.ts';
import { FrameDecoder } from '../src/frame-decoder.ts';
import { isConnected, startNode, type TestNode, until } from './harness.ts';

type Sent = Exclude<Frame, { type: 'UNKNOWN' }>;

const SELF = { id: 'b', host: '127.0.0.1', port: 1 };
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

interface Peer {
  readonly send: (...frames: readonly Sent[]) => void;
  readonly frames: readonly Frame[];
}

/** Shakes hands by hand. */
async function dial(node: TestNode, party: object = {}): Promise<Peer> {
  const socket = connect({ host: node.address.host, port: node.address.port });
  sockets.push(socket);
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(65_536, (frame) => frames.push(frame) > 0);
  socket.on('data', (chunk: Uint8Array) => void decoder.push(Uint8Array.from(chunk)));
  const send = (...all: readonly Sent[]) => {
    for (const frame of all) for (const part of Object.values(encodeFrame(frame))) socket.write(part);
  };
  const intro = { cluster: 'test', node: SELF, incarnation: 1, maxFrameBytes: 65_536, auth: ['none'], ...party };
  send({ type: 'HELLO', minVersion: 2, maxVersion: 2, intro });
  await until(() => frames.some(({ type }) => type === 'WELCOME'));
  send({ type: 'READY' });
  return { send, frames };
}

/** What came of all that was sent before. */
async function answered({ send, frames }: Peer): Promise<void> {
  const before = pongs(frames);
  send({ type: 'PING' });
  await until(() => pongs(frames) > before);
}

function pongs(frames: readonly Frame[]): number {
  return frames.filter(({ type }) => type === 'PONG').length;
}

function described(frames: readonly Frame[]): readonly unknown[] {
  return frames.flatMap((frame) => (frame.type === 'DESCRIPTION' ? [frame.detail] : []));
}

const events = ({ events: all }: TestNode) => all.filter(({ type }) => type === 'described');

describe('what a peer says of itself', () => {
  it('is shown without what nobody has checked, and told when it is new, no more often than it should come', async () => {
    await using a = await startNode({ id: 'a' });
    const b = await dial(a);
    const detail = { ...SELF, metadata: { role: 'cache' }, later: { field: true } };
    // What it has said already is nothing new, and what it says of itself in between is not waited for.
    b.send({ type: 'DESCRIPTION', detail: SELF });
    for (let weight = 0; weight < 100; weight += 1) b.send({ type: 'DESCRIPTION', detail: { ...SELF, weight } });
    b.send({ type: 'DESCRIPTION', detail });
    await answered(b);
    expect(events(a)).toEqual([]);
    await until(() => events(a).length > 0);
    const node = { ...SELF, metadata: { role: 'cache' } };
    expect(events(a)).toEqual([{ type: 'described', peer: { node, incarnation: 1, state: 'connected' } }]);
    expect(a.transport.peer('b')?.node).toEqual(node);
  });

  it.each([
    ['another id', { ...SELF, id: 'c' }],
    ['another host', { ...SELF, host: '127.0.0.2' }],
    ['another port', { ...SELF, port: 2 }],
    ['no node', { ...SELF, metadata: { n: 1 } }],
    ['nothing', null],
    ['more than fits', { ...SELF, metadata: { text: 'x'.repeat(8150) } }],
  ])('ends the connection when it is %s', async (_, detail) => {
    await using a = await startNode({ id: 'a' });
    const b = await dial(a);
    await until(() => isConnected(a, 'b'));
    b.send({ type: 'DESCRIPTION', detail });
    await until(() => b.frames.some(({ type }) => type === 'GOODBYE'));
    const goodbye = b.frames.find((frame) => frame.type === 'GOODBYE');
    expect(goodbye?.detail).toMatchObject({ reason: 'protocol' });
    expect(a.transport.peer('b')?.node).toEqual(SELF);
    expect(events(a)).toEqual([]);
  });

  it('is of no interest from a client', async () => {
    await using a = await startNode({ id: 'a' });
    const node = { ...SELF, port: 0 };
    const client = await dial(a, { node, role: 'client' });
    client.send({ type: 'DESCRIPTION', detail: { ...node, metadata: { role: 'cache' } } });
    await answered(client);
    a.transport.describe?.({ weight: 2 });
    await answered(client);
    expect([events(a), a.transport.peers, described(client.frames)]).toEqual([[], [], []]);
  });
});

describe('what a node says of itself', () => {
  it('is sent whole, when it is something else than it was introduced with', async () => {
    await using a = await startNode({ id: 'a' });
    a.transport.describe?.({ weight: 1 });
    const b = await dial(a);
    await answered(b);
    expect(described(b.frames)).toEqual([]);
    a.transport.describe?.({ metadata: { role: 'cache' } });
    await until(() => described(b.frames).length > 0);
    expect(described(b.frames)).toEqual([{ id: 'a', ...a.address, weight: 1, metadata: { role: 'cache' } }]);
  });
});
