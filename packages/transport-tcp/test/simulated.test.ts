import { type Address, Keyring, type Net, type Secrets, type SocketHandler, type System } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import type { TcpTransportOptions } from '../src/index.ts';
import { isConnected, makeNode, type TestNode } from './harness.ts';

const KIND = 1024;
const PORT = 7000;
const SEEDS = 30;
const KEYED_SEEDS = 10;

describe('tcpTransport in the simulator', () => {
  it('tries a peer that is down with growing delays, and one that was lost quickly', async () => {
    const world = createWorld({ seed: 'delays' });
    const [a, b] = nodesOf(world, ['a', 'b'], { reconnect: { minMs: 1000, maxMs: 8000 } });
    a!.start([b!.address]);
    await world.run(120_000);
    const attempts = a!.dials.map((at) => at);
    const gaps = attempts.slice(1).map((at, index) => at - attempts[index]!);
    expect(gaps[0]).toBeLessThanOrEqual(1001);
    expect(Math.max(...gaps)).toBeGreaterThan(4000);
    expect(Math.max(...gaps)).toBeLessThan(8100);
    b!.start([]);
    await world.runUntil(() => connected(a!, b!), 9000);
    const lostAt = world.now;
    b!.host.restart();
    await world.runUntil(() => !isConnected(a!.node, 'b'), 50);
    await world.runUntil(() => connected(a!, b!), 200);
    expect(world.now - lostAt).toBeLessThan(250);
  });

  it('shows each state of a peer', async () => {
    const world = createWorld({ seed: 'states', link: { latencyMs: 5 } });
    const [a, b] = nodesOf(world, ['a', 'b'], {});
    a!.start([b!.address]);
    b!.start([]);
    const state = () => a!.node.transport.peer('b')?.state;
    await world.runUntil(() => connected(a!, b!), 5000);
    b!.host.crash();
    await world.runUntil(() => state() === 'disconnected', 100);
    await world.runUntil(() => state() === 'connecting', 200);
    await world.runUntil(() => state() === 'disconnected', 200);
    b!.start([]);
    await world.runUntil(() => state() === 'connected', 5000);
  });

  it('ends a connection on which nothing is heard, and not one that is merely idle', async () => {
    const world = createWorld({ seed: 'silence' });
    const [a, b] = nodesOf(world, ['a', 'b'], { heartbeat: { intervalMs: 100, timeoutMs: 500 } });
    a!.start([b!.address]);
    b!.start([]);
    await world.runUntil(() => connected(a!, b!), 2000);
    await world.run(60_000);
    expect(a!.node.events.map(({ type }) => type).filter((type) => type === 'disconnected')).toEqual([]);
    const cutAt = world.now;
    world.partition(a!.host, b!.host);
    await world.runUntil(() => !isConnected(a!.node, 'b'), 1000);
    expect(world.now - cutAt).toBeGreaterThan(390);
    expect(world.now - cutAt).toBeLessThan(620);
    expect(a!.node.events.find(({ type }) => type === 'disconnected')).toMatchObject({ reason: 'timeout' });
    world.heal();
    await world.runUntil(() => connected(a!, b!), 60_000);
  });

  it('does not blame its peers for a stall of its own', async () => {
    const world = createWorld({ seed: 'stall' });
    const [a, b] = nodesOf(world, ['a', 'b'], { heartbeat: { intervalMs: 1000, timeoutMs: 60_000 } });
    const [c] = nodesOf(world, ['c'], { heartbeat: { intervalMs: 100, timeoutMs: 500 } });
    a!.start([]);
    b!.start([a!.address]);
    c!.start([a!.address]);
    await world.runUntil(() => connected(a!, b!) && connected(a!, c!), 5000);
    c!.host.stall(10_000);
    await world.run(20_000);
    expect(c!.node.events.filter(({ type }) => type === 'disconnected')).toEqual([]);
  });

  it('replaces the connection of a machine that lost power and came back', async () => {
    const world = createWorld({ seed: 'power' });
    const [a, b] = nodesOf(world, ['a', 'b'], {});
    a!.start([]);
    b!.start([a!.address]);
    await world.runUntil(() => connected(a!, b!), 5000);
    b!.host.crash({ powerLoss: true });
    await world.run(100);
    expect(isConnected(a!.node, 'b')).toBe(true);
    b!.start([a!.address]);
    await world.runUntil(() => a!.node.transport.peer('b')?.incarnation === 2 && connected(a!, b!), 500);
  });

  it('never closes what it has just made when both dial at once', async () => {
    for (let seed = 0; seed < 150; seed += 1) {
      const world = createWorld({ seed, link: { latencyMs: 1, jitterMs: 30 } });
      const nodes = nodesOf(world, ['a', 'b'], {});
      const contacts = nodes.map(({ address }) => address);
      for (const node of nodes) world.after(world.random.int(40), () => node.start(contacts));
      await world.run(5000);
      const told = nodes.map(({ node }) =>
        node.events.map(({ type }) => type).filter((type) => type !== 'unreachable'),
      );
      expect(told, `seed ${seed}`).toEqual([['connected'], ['connected']]);
    }
  });

  it('keeps one connection a pair through chaos, and is whole when it ends', async () => {
    for (let seed = 0; seed < SEEDS; seed += 1) await chaos(seed);
  }, 60_000);

  it('does so too with a secret that is replaced again and again meanwhile', async () => {
    for (let seed = 0; seed < KEYED_SEEDS; seed += 1) await chaos(seed, new Rotation());
  }, 60_000);
});

interface SimNode {
  readonly host: Host;
  readonly address: Address;
  /** Of the process that lives. */
  readonly node: TestNode;
  /** Whether the process that lives has made its node. */
  readonly up: boolean;
  /** True times of its dials. */
  readonly dials: number[];
  /** Sockets of the living process that are open. */
  readonly sockets: ReadonlySet<object>;
  start(contacts: readonly Address[]): void;
}

async function chaos(seed: number, rotation?: Rotation): Promise<void> {
  const world = createWorld({ seed, link: { latencyMs: 1, jitterMs: 5, loss: 0.02, reorder: 0.05 } });
  const nodes = nodesOf(world, ['a', 'b', 'c', 'd'], { reconnect: { minMs: 100, maxMs: 2000 } }, rotation);
  const contacts = nodes.map(({ address }) => address);
  for (const node of nodes) node.start(contacts);
  const check = new AlternationCheck();
  world.onStep(() => {
    for (const each of nodes) if (each.up) check.look(each.node);
  });
  for (let step = 0; step < 60; step += 1) {
    disturb(world, nodes, contacts);
    rotation?.step();
    await world.run(world.random.int(1500));
  }
  world.heal();
  rotation?.finish();
  for (const node of nodes) {
    node.host.resume();
    if (!node.host.running) node.start(contacts);
  }
  const whole = () => nodes.every((one) => nodes.every((other) => one === other || connected(one, other)));
  try {
    await world.runUntil(whole, 60_000);
    // Time for what is left of refused connections to close.
    await world.run(20_000);
    expect(whole()).toBe(true);
    for (const { sockets } of nodes) expect(sockets.size).toBe(nodes.length - 1);
    for (const { node } of nodes) await world.settled(Promise.resolve(node[Symbol.asyncDispose]()), 5000);
    await world.run(5000);
    for (const { sockets } of nodes) expect(sockets.size).toBe(0);
  } catch (error) {
    throw new Error(`seed ${seed}\n${world.trace.text().split('\n').slice(-40).join('\n')}`, { cause: error });
  }
}

/** Replaces the secret of all nodes, one node and one step after the other, and then that one. */
class Rotation {
  readonly #keyrings: Keyring[] = [];
  #steps = 0;

  /** The keyring of one more node, which outlives its processes. */
  join(): Keyring {
    const keyring = new Keyring({ use: secretOf(0) });
    this.#keyrings.push(keyring);
    return keyring;
  }

  step(): void {
    const count = this.#keyrings.length;
    const round = Math.floor(this.#steps / count);
    const [former, next] = [secretOf(Math.floor(round / 3)), secretOf(Math.floor(round / 3) + 1)];
    const phases: readonly Secrets[] = [
      { use: former, accept: [next] },
      { use: next, accept: [former] },
      { use: next },
    ];
    const phase = phases[round % 3];
    if (phase !== undefined) this.#keyrings[this.#steps % count]?.change(phase);
    this.#steps += 1;
  }

  /** Until all have the same secret, and no other. */
  finish(): void {
    while (this.#steps % (3 * this.#keyrings.length) !== 0) this.step();
  }
}

function secretOf(number: number): string {
  return `secret ${number} of these tests`;
}

function disturb(world: World, nodes: readonly SimNode[], contacts: readonly Address[]): void {
  const pick = () => nodes[world.random.int(nodes.length)]!;
  const [one, other] = [pick(), pick()];
  if (one.up && other.up && one !== other) {
    for (let count = 0; count < 20; count += 1)
      one.node.transport.send(other.node.transport.self.id, KIND, new Uint8Array(100));
  }
  switch (world.random.int(8)) {
    case 0:
      world.block(one.host, other.host);
      break;
    case 1:
      world.partition(one.host, other.host);
      break;
    case 2:
      world.heal();
      break;
    case 3:
      if (one.host.running) one.host.crash({ powerLoss: world.chance(0.5) });
      break;
    case 4:
      if (one.host.running) one.host.stall(world.random.int(8000));
      break;
    default:
      for (const node of nodes) if (!node.host.running) node.start(contacts);
  }
}

/** Each peer is told as connected, then as disconnected, then as connected again. */
class AlternationCheck {
  readonly #seen = new Map<TestNode, { read: number; readonly live: Set<string> }>();

  look(node: TestNode): void {
    const seen = this.#seen.get(node) ?? { read: 0, live: new Set<string>() };
    this.#seen.set(node, seen);
    for (; seen.read < node.events.length; seen.read += 1) {
      const event = node.events[seen.read]!;
      if (event.type === 'disconnected') seen.live.delete(event.peer.node.id);
      if (event.type !== 'connected') continue;
      if (seen.live.has(event.peer.node.id)) throw new Error(`${event.peer.node.id} is connected twice`);
      seen.live.add(event.peer.node.id);
    }
  }
}

function connected(one: SimNode, other: SimNode): boolean {
  if (!one.up || !other.up) return false;
  return isConnected(one.node, other.host.name) && isConnected(other.node, one.host.name);
}

function nodesOf(
  world: World,
  names: readonly string[],
  transport: TcpTransportOptions,
  rotation?: Rotation,
): SimNode[] {
  return names.map((name) => simNode(world, name, transport, rotation?.join()));
}

function simNode(world: World, name: string, transport: TcpTransportOptions, keyring?: Keyring): SimNode {
  const host = world.host(name);
  const address = { host: host.address, port: PORT };
  const dials: number[] = [];
  let sockets = new Set<object>();
  let node: TestNode | undefined;
  let boot = 0;
  const main = (contacts: readonly Address[]) => async (system: System) => {
    sockets = new Set();
    const net = countedNet(system.net, sockets, () => dials.push(world.now));
    const secured = keyring === undefined ? { insecure: true } : { keyring };
    const options = { id: name, ...address, incarnation: host.boots, ...secured, transport };
    node = makeNode({ ...options, system: { ...system, net } });
    boot = host.boots;
    for (const contact of contacts) node.transport.addContact(contact);
    await node.transport.start();
  };
  return {
    host,
    address,
    dials,
    get sockets() {
      return sockets;
    },
    get up() {
      return host.running && boot === host.boots;
    },
    get node() {
      if (node === undefined) throw new Error(`${name} has not started`);
      return node;
    },
    start: (contacts) => host.start(main(contacts)),
  };
}

/** The net, with the sockets that are open. */
function countedNet(net: Net, sockets: Set<object>, onDial: () => void): Net {
  const counted = (handler: SocketHandler) => {
    const token = {};
    const wrapped: SocketHandler = {
      data: (bytes) => handler.data(bytes),
      drain: () => handler.drain(),
      close: (error) => {
        sockets.delete(token);
        handler.close(error);
      },
    };
    return { token, wrapped };
  };
  return {
    connect: async (address, handler, options) => {
      onDial();
      const { token, wrapped } = counted(handler);
      const socket = await net.connect(address, wrapped, options);
      sockets.add(token);
      return socket;
    },
    listen: (address, accept, options) =>
      net.listen(
        address,
        (socket) => {
          const { token, wrapped } = counted(accept(socket));
          sockets.add(token);
          return wrapped;
        },
        options,
      ),
    bindDatagram: (address, receive) => net.bindDatagram(address, receive),
  };
}
