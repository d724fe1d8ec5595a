import { ClusterError, Keyring, type Net, type Socket } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { bytes, isConnected, makeNode, realSystem, startNode, type TestNode, until } from './harness.ts';

const KIND = 1024;
const [OLD, NEW, OTHER] = ['the old secret of tests', 'the new secret of tests', 'one that nobody shares'];

function count(node: TestNode, type: string): number {
  return node.events.filter((event) => event.type === type).length;
}

/** A stream that has ended when its connection is about to be established, which is told only later. */
function justEnded(socket: Socket): Socket {
  const { local, remote, secured } = socket;
  const exportSecret = (): never => {
    throw new ClusterError('DISCONNECTED', 'the stream has ended');
  };
  return {
    local,
    remote,
    bufferedBytes: 0,
    ...(secured && { secured: { peer: secured.peer, exportSecret, objection: () => undefined } }),
    write: (chunks) => socket.write(chunks),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.end(),
    destroy: (error) => socket.destroy(error),
  };
}

it('a connection that ends while it is established is lost like others, and made again', async () => {
  const keyring = new Keyring({ use: OLD });
  let dials = 0;
  const connect: Net['connect'] = async (...given) => {
    const socket = await realSystem.net.connect(...given);
    return (dials += 1) === 1 ? justEnded(socket) : socket;
  };
  const listen: Net['listen'] = (...given) => realSystem.net.listen(...given);
  const system = { ...realSystem, net: { ...realSystem.net, connect, listen } };
  await using a = await startNode({ id: 'a', keyring });
  const reconnect = { minMs: 5, maxMs: 20 };
  await using b = await startNode({ id: 'b', keyring, system, transport: { reconnect } });
  b.transport.addContact(a.address);
  await until(() => count(b, 'disconnected') > 0 && isConnected(a, 'b') && isConnected(b, 'a'));
  expect(count(b, 'connected')).toBeGreaterThan(1);
});

describe('a secret is replaced', () => {
  it('under traffic, on the real network, and no connection and no message is lost', async () => {
    const keyrings = ['a', 'b', 'c'].map(() => new Keyring({ use: OLD }));
    const nodes = await Promise.all(keyrings.map((keyring, index) => startNode({ id: 'abc'.charAt(index), keyring })));
    const received = new Map<string, number>();
    for (const { transport } of nodes) {
      transport.onMessage(KIND, (from) => received.set(from, (received.get(from) ?? 0) + 1));
      transport.onRequest(KIND, (_, payload) => payload);
      for (const other of nodes)
        transport.addContact({ host: other.transport.self.host, port: other.transport.self.port });
    }
    await until(() =>
      nodes.every((node) => node.transport.peers.filter((peer) => peer.state === 'connected').length === 2),
    );
    let sent = 0;
    let answered = 0;
    const talking = new AbortController();
    const talk = async (from: TestNode, to: TestNode): Promise<void> => {
      while (!talking.signal.aborted) {
        expect(from.transport.send(to.transport.self.id, KIND, bytes('m'))).toBe(true);
        sent += 1;
        await from.transport.request(to.transport.self.id, KIND, bytes('r'));
        answered += 1;
      }
    };
    const talks = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => talk(from, to)));
    const whileTalking = async () => {
      const target = answered + 200;
      await until(() => answered >= target);
    };
    for (const step of [{ use: OLD, accept: [NEW] }, { use: NEW, accept: [OLD] }, { use: NEW }]) {
      for (const keyring of keyrings) {
        keyring.change(step);
        await whileTalking();
      }
    }
    talking.abort();
    await Promise.all(talks);
    expect([...received.values()].reduce((sum, each) => sum + each, 0)).toBe(sent);
    for (const node of nodes) expect([count(node, 'connected'), count(node, 'disconnected')]).toEqual([2, 0]);
    await using late = await startNode({ id: 'd', keyring: new Keyring({ use: OLD }) });
    late.transport.addContact(nodes[0]?.address ?? { host: '127.0.0.1', port: 1 });
    await until(() => count(late, 'unreachable') > 0);
    await using next = await startNode({ id: 'e', keyring: new Keyring({ use: NEW }) });
    next.transport.addContact(nodes[0]?.address ?? { host: '127.0.0.1', port: 1 });
    await until(() => isConnected(next, 'a'));
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  });

  it('whoever dialled, and whenever each is told', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const world = createWorld({ seed, link: { latencyMs: 20, jitterMs: 30 } });
      const [a, b] = await pair(world, new Keyring({ use: OLD }), new Keyring({ use: OLD }));
      for (const step of [{ use: OLD, accept: [NEW] }, { use: NEW, accept: [OLD] }, { use: NEW }]) {
        const keyrings = world.random.next() < 0.5 ? [a.keyring, b.keyring] : [b.keyring, a.keyring];
        for (const keyring of keyrings) {
          await world.run(world.random.next() * 3000);
          keyring.change(step);
        }
        await world.run(200);
      }
      await world.run(30_000);
      expect([count(a.node, 'connected'), count(a.node, 'disconnected'), count(b.node, 'disconnected')]).toEqual([
        1, 0, 0,
      ]);
    }
  });

  it('and a peer that does not show the new one in time is parted from, and refused afterwards', async () => {
    const world = createWorld({ seed: 'late' });
    const [a, b] = await pair(world, new Keyring({ use: OLD }), new Keyring({ use: OLD }));
    a.keyring.change({ use: NEW });
    await world.run(4900);
    expect(isConnected(a.node, 'b')).toBe(true);
    await world.runUntil(() => !isConnected(a.node, 'b'), 200);
    await world.runUntil(() => count(a.node, 'refused') > 0, 60_000);
    expect(isConnected(b.node, 'a')).toBe(false);
    b.keyring.change({ use: NEW });
    await world.runUntil(() => isConnected(a.node, 'b'), 60_000);
  });

  it('a new one that is shown before it is accepted counts once it is', async () => {
    const world = createWorld({ seed: 'early' });
    const [a, b] = await pair(world, new Keyring({ use: OLD }), new Keyring({ use: OLD }));
    b.keyring.change({ use: NEW, accept: [OLD] });
    await world.run(1000);
    a.keyring.change({ use: NEW });
    await world.run(30_000);
    expect(count(a.node, 'disconnected')).toBe(0);
  });

  it('changing accepted ones that the peer never showed changes nothing', async () => {
    const world = createWorld({ seed: 'others' });
    const [a, b] = await pair(world, new Keyring({ use: OLD }), new Keyring({ use: OLD }));
    a.keyring.change({ use: OLD, accept: [OTHER] });
    a.keyring.change({ use: OLD });
    await world.run(30_000);
    expect([count(a.node, 'disconnected'), count(b.node, 'disconnected')]).toEqual([0, 0]);
  });
});

interface KeyedNode {
  readonly node: TestNode;
  readonly keyring: Keyring;
}

/** Two nodes of a world, connected; `a` has dialled. */
async function pair(world: World, ofA: Keyring, ofB: Keyring): Promise<readonly [KeyedNode, KeyedNode]> {
  const [a, b] = [keyedNode(world, 'a', ofA), keyedNode(world, 'b', ofB)];
  await world.run(1);
  a.node.transport.addContact({ host: 'b', port: 7000 });
  await world.runUntil(() => isConnected(a.node, 'b') && isConnected(b.node, 'a'), 10_000);
  return [a, b];
}

function keyedNode(world: World, id: string, keyring: Keyring): KeyedNode {
  let made: TestNode | undefined;
  world.host(id).start(async (system) => {
    made = makeNode({ id, host: id, port: 7000, keyring, system, incarnation: 1 });
    await made.transport.start();
  });
  return {
    keyring,
    get node() {
      if (made === undefined) throw new Error(`${id} has not started`);
      return made;
    },
  };
}
