import type { ClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { faults } from '../src/index.ts';
import { bytesOf, isConnected, KIND, MemoryCluster, textOf } from './memory-cluster.ts';

const failure = (promise: Promise<unknown>): Promise<ClusterError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as ClusterError,
  );

describe('connections', () => {
  it('come about once, whoever dials and however the dials cross', async () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const cluster = new MemoryCluster({ seed, link: { latencyMs: 1, jitterMs: 5 } });
      const { world } = cluster;
      const a = cluster.node('a');
      const b = cluster.node('b');
      await world.run(1);
      const [first, second] = world.chance(0.5) ? [a, b] : [b, a];
      first.transport.addContact(second.address);
      world.after(world.random.int(15), () => second.transport.addContact(first.address));
      await world.run(8000);
      expect([a.events, b.events], world.trace.text()).toEqual([['connected b'], ['connected a']]);
      expect(a.transport.send('b', KIND, bytesOf('hello'))).toBe(true);
      await world.run(20);
      expect(b.received).toEqual(['a: hello']);
    }
  });

  it('are reached later by a contact that was down at first', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const late = cluster.node('b');
    late.host.crash();
    const a = cluster.node('a', { contacts: [late.address] });
    await cluster.world.run(20_000);
    const tries = a.events.length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(9);
    expect(new Set(a.events)).toEqual(new Set(['unreachable DISCONNECTED']));
    late.host.restart();
    await cluster.world.runUntil(() => isConnected(a, 'b'), 31_000);
  });

  it('with the own address are none', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const a = cluster.node('a', { contacts: [{ host: '10.0.0.1', port: 7000 }] });
    await cluster.world.run(60_000);
    expect(a.events).toEqual([]);
    expect(a.transport.peers).toEqual([]);
  });

  it('to another cluster are refused on both sides', async () => {
    for (const other of [{ cluster: 'other' }, { clusterId: 'two' }]) {
      const cluster = new MemoryCluster({ seed: 1 });
      const b = cluster.node('b', other);
      const a = cluster.node('a', { clusterId: 'one', contacts: [b.address] });
      await cluster.world.run(100);
      expect(a.events).toEqual(['unreachable CLUSTER_MISMATCH']);
      expect(b.events).toEqual(['refused CLUSTER_MISMATCH']);
      expect(a.transport.peers).toEqual([]);
    }
  });

  it('tell the id of the cluster to whoever did not know it, dialling or dialled', async () => {
    const one = new MemoryCluster({ seed: 1 });
    const [a] = await one.pair({}, { clusterId: 'id' });
    expect(a.clusterId).toBe('id');
    const two = new MemoryCluster({ seed: 1 });
    const [, b] = await two.pair({ clusterId: 'id' }, {});
    expect(b.clusterId).toBe('id');
  });

  it('of two nodes with one id: the second is refused', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const [a, b] = await cluster.pair();
    const impostor = cluster.node('c', { id: 'a', incarnation: 99, contacts: [b.address, a.address] });
    await cluster.world.run(100);
    expect(impostor.events).toEqual(['unreachable DUPLICATE_NODE_ID', 'unreachable DUPLICATE_NODE_ID']);
    expect(isConnected(b, 'a')).toBe(true);
    expect(b.transport.peer('a')?.node.host).toBe(a.address.host);
  });

  it('end with the reason: goodbye, closed or timeout', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair();
    await b.transport[Symbol.asyncDispose]();
    await world.run(10);
    expect(a.events).toEqual(['connected b', 'disconnected b goodbye']);
    expect(b.events).toEqual(['connected a', 'disconnected a local']);
    b.host.restart();
    await world.runUntil(() => isConnected(a, 'b'), 5000);
    b.host.crash();
    await world.run(10);
    expect(a.events.slice(2)).toEqual(['connected b', 'disconnected b closed']);
    b.host.restart();
    await world.runUntil(() => isConnected(a, 'b'), 5000);
    b.host.crash({ powerLoss: true });
    await world.run(3000);
    expect(isConnected(a, 'b')).toBe(true);
    await world.run(4000);
    expect(a.events.slice(4, 6)).toEqual(['connected b', 'disconnected b timeout']);
  });

  it('that pass in one direction only are no connections for long', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair();
    world.block(a.host, b.host);
    await world.run(7000);
    expect(b.events).toEqual(['connected a', 'disconnected a timeout']);
    expect(a.events.slice(0, 2)).toEqual(['connected b', 'disconnected b closed']);
    world.heal();
    await world.runUntil(() => isConnected(a, 'b') && isConnected(b, 'a'), 31_000);
  });

  it('to a node that came back are with its new incarnation', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair();
    // The node that dials loses power and returns before anyone has noticed.
    a.host.crash({ powerLoss: true });
    a.host.restart();
    await world.runUntil(() => b.transport.peer('a')?.incarnation === 2 && isConnected(b, 'a'), 1000);
    expect(b.events).toEqual(['connected a', 'disconnected a closed', 'connected a']);
  });
});

describe('messages', () => {
  it('to a process that has died are not heard by what comes after it, least of all as if it lived', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair();
    b.host.crash({ powerLoss: true });
    expect(a.transport.send('b', KIND, bytesOf('late'))).toBe(true);
    b.host.start(() => undefined);
    await world.run(20);
    expect(b.received).toEqual([]);
    expect(a.events.at(-1)).toBe('disconnected b closed');
  });

  it('arrive in order, and are copies on both sides', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const [a, b] = await cluster.pair();
    const buffer = bytesOf('0');
    for (let count = 0; count < 10; count += 1) {
      buffer[0] = 48 + count;
      expect(a.transport.send('b', KIND, buffer)).toBe(true);
    }
    buffer[0] = 65;
    expect(b.received).toEqual([]);
    await cluster.world.run(10);
    expect(b.received).toEqual(Array.from({ length: 10 }, (_, at) => `a: ${at}`));
  });

  it('are refused above the bound, and taken again once others arrived', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair({ maxQueueBytes: 10_000 });
    const sendAll = () => {
      let sent = 0;
      while (a.transport.send('b', KIND, new Uint8Array(100))) sent += 1;
      return sent;
    };
    expect(sendAll()).toBe(86);
    expect(await failure(world.settled(a.transport.request('b', KIND, new Uint8Array(100)), 10))).toMatchObject({
      code: 'OVERLOADED',
      outcome: 'not-applied',
    });
    await world.run(2000);
    expect(b.received).toHaveLength(86);
    expect(sendAll()).toBe(86);
    expect(a.transport.send('nobody', KIND, bytesOf('x'))).toBe(false);
  });

  it('may be lost, doubled and overtaken as the link says, and nothing else may', async () => {
    const link = { latencyMs: 1, jitterMs: 1, loss: 0.2, duplicate: 0.2, reorder: 0.2 };
    const cluster = new MemoryCluster({ seed: 1, link });
    const { world } = cluster;
    const [a, b] = await cluster.pair(
      {},
      { prepare: (transport) => void transport.onRequest(KIND, (_from, payload) => payload) },
    );
    for (let count = 0; count < 100; count += 1) {
      world.after(count * 2, () => a.transport.send('b', KIND, bytesOf(`${count}`)));
    }
    for (let count = 0; count < 20; count += 1) {
      const answer = await world.settled(a.transport.request('b', KIND, bytesOf(`${count}`)), 3000);
      expect(textOf(answer)).toBe(`${count}`);
    }
    await world.run(1000);
    expect(new Set(b.received).size).toBeLessThan(95);
    expect(b.received.length).toBeGreaterThan(new Set(b.received).size);
    const numbers = b.received.map((text) => Number(text.slice(3)));
    expect(numbers).not.toEqual([...numbers].sort((x, y) => x - y));
  });
});

describe('requests', () => {
  it('fail with what is known of their outcome', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const aborted: unknown[] = [];
    const hang = (_from: string, _payload: Uint8Array, { signal }: { signal: AbortSignal }) =>
      new Promise<Uint8Array>(() => signal.addEventListener('abort', () => aborted.push(signal.reason)));
    const [a, b] = await cluster.pair({}, { prepare: (transport) => void transport.onRequest(KIND, hang) });
    const ask = (to: string, kind: number, options = {}) =>
      failure(world.settled(a.transport.request(to, kind, bytesOf('?'), options), 10_000));
    expect(await ask('nobody', KIND)).toMatchObject({ code: 'DISCONNECTED', outcome: 'not-applied' });
    expect(await ask('b', KIND + 1)).toMatchObject({ code: 'UNSUPPORTED', outcome: 'not-applied' });
    expect(await ask('b', KIND, { timeoutMs: 50 })).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    await world.run(5);
    expect(aborted).toMatchObject([{ code: 'ABORTED' }]);
    world.after(10, () => b.host.crash());
    expect(await ask('b', KIND)).toMatchObject({ code: 'DISCONNECTED', outcome: 'unknown' });
  });

  it('time out by the clock of who asks, also while the peer is paused', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair();
    b.host.stall(1000);
    const began = world.now;
    const call = a.transport.request('b', KIND, bytesOf('?'), { timeoutMs: 300 });
    expect(await failure(world.settled(call, 1000))).toMatchObject({ code: 'TIMEOUT' });
    expect(world.now - began).toBeCloseTo(300, 1);
  });
});

describe('streams', () => {
  it('hold the sender back until the reader reads, and end with the handler', async () => {
    const cluster = new MemoryCluster({ seed: 1, link: { loss: 0.05 } });
    const { world } = cluster;
    let total = 0;
    let isOpen = false;
    const [a] = await cluster.pair(
      { windowBytes: 1000 },
      {
        prepare: (transport, { clock }) =>
          void transport.onStream(KIND, async (_from, chunks) => {
            await new Promise<void>((resolve) => {
              clock.setTimer(1000, resolve);
            });
            isOpen = true;
            for await (const chunk of chunks) total += chunk.length;
          }),
      },
    );
    const stream = await world.settled(a.transport.openStream('b', KIND), 1000);
    let written = 0;
    const writing = (async () => {
      for (let count = 0; count < 50; count += 1) {
        await stream.write(new Uint8Array(100));
        written += 1;
      }
      await stream.end();
    })();
    await world.run(500);
    expect([written, isOpen]).toEqual([10, false]);
    await world.settled(writing, 60_000);
    expect([written, total]).toEqual([50, 5000]);
  });

  it('fail with the error of the handler, and with the connection', async () => {
    const cluster = new MemoryCluster({ seed: 1 });
    const { world } = cluster;
    const [a, b] = await cluster.pair(
      { windowBytes: 100 },
      {
        prepare: (transport) => {
          transport.onStream(KIND, () => Promise.reject(new Error('no thanks')));
          transport.onStream(KIND + 1, () => new Promise(() => undefined));
        },
      },
    );
    const refused = await world.settled(a.transport.openStream('b', KIND), 100);
    expect(await failure(world.settled(refused.end(), 100))).toMatchObject({ code: 'REMOTE' });
    const stuck = await world.settled(a.transport.openStream('b', KIND + 1), 100);
    await world.settled(stuck.write(new Uint8Array(100)), 10);
    world.after(10, () => b.host.crash());
    expect(await failure(world.settled(stuck.write(new Uint8Array(100)), 1000))).toMatchObject({
      code: 'DISCONNECTED',
    });
    expect(await failure(world.settled(stuck.end(), 1000))).toMatchObject({ code: 'DISCONNECTED' });
  });
});

it('ends up with everyone connected to everyone once a time of troubles is over', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const cluster = new MemoryCluster({ seed });
    const { world } = cluster;
    const contacts = [1, 2, 3, 4].map((last) => ({ host: `10.0.0.${last}`, port: 7000 }));
    const options = { contacts, reconnect: { minMs: 100, maxMs: 1000 }, silenceMs: 1000 };
    const nodes = ['a', 'b', 'c', 'd'].map((name) => cluster.node(name, options));
    const hosts = nodes.map(({ host }) => host);
    const trouble = faults(world, hosts, { everyMs: 50, lastMs: 2000, restart: (host) => host.restart() });
    await world.run(20_000);
    expect(Math.min(...Object.values(trouble.counts))).toBeGreaterThan(5);
    trouble.stop();
    const all = () => nodes.every((one) => nodes.every((other) => one === other || isConnected(one, other.host.name)));
    await world.runUntil(all, 10_000);
    await world.run(10_000);
    expect(all()).toBe(true);
  }
});
