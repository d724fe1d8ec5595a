import { type Address, type ClusterOptions, createCluster, type Net, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld } from '@quorate/simulator';
import { tcpTransport } from '@quorate/transport-tcp';
import { describe, expect, it } from 'vitest';

import { swimMembership, swimStats } from '../src/index.ts';
import { SwimNodes } from './swim-nodes.ts';

const base = { nodeId: 'a', transport: tcpTransport(), membership: swimMembership() };
const compose = (options: Partial<ClusterOptions>) => () => createCluster({ ...base, ...options });

/** A firewall that lets streams through. */
function withoutDatagrams(net: Net): Net {
  return {
    connect: (...given) => net.connect(...given),
    listen: (...given) => net.listen(...given),
    bindDatagram: async (address, receive, options) => {
      const socket = await net.bindDatagram(address, receive, options);
      const dispose = () => socket[Symbol.asyncDispose]();
      return { address: socket.address, send: () => undefined, [Symbol.asyncDispose]: dispose };
    },
  };
}

/** Somebody listens to what this node sends. */
function recorded(net: Net, into: Uint8Array[]): Net {
  return {
    connect: (...given) => net.connect(...given),
    listen: (...given) => net.listen(...given),
    bindDatagram: async (address, receive, options) => {
      const socket = await net.bindDatagram(address, receive, options);
      const send = (payload: Uint8Array, to: Address) => {
        into.push(payload.slice());
        socket.send(payload, to);
      };
      return { address: socket.address, send, [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() };
    },
  };
}

/** Simulated hosts have no loopback: what would bind it binds the host's address. */
function onHost(net: Net, host: string): Net {
  return {
    connect: (...given) => net.connect(...given),
    listen: ({ port }, ...given) => net.listen({ host, port }, ...given),
    bindDatagram: ({ port }, ...given) => net.bindDatagram({ host, port }, ...given),
  };
}

describe('a cluster with this membership', () => {
  it('is refused when strangers could reach it, until it has a secret or is told that this is meant', () => {
    const bind = '10.0.0.1:7000';
    const transport = memoryTransport({ network: memoryNetwork() });
    expect(compose({ bind, transport })).toThrow('swimMembership: bind must be loopback');
    expect(compose({ bind, secret: 'what only the tests know' })).not.toThrow();
    expect(compose({ bind, insecure: true })).not.toThrow();
    expect(compose({ bind: '127.0.0.1:0' })).not.toThrow();
  });

  it.each([
    { insecure: true, warned: true },
    { insecure: true, secret: 'what only the tests know', warned: false },
    { insecure: true, bind: '127.0.0.1:7000', warned: false },
  ])('warns at the start of datagrams that anybody can send: %j', async ({ warned, ...options }) => {
    const world = createWorld({ seed: 'warned' });
    const host = world.host('a');
    const lines: string[] = [];
    host.start(async (system) => {
      const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
      const loopback = { ...system, logger, net: onHost(system.net, host.address) };
      await compose({ bind: `${host.address}:7000`, system: loopback, ...options })().start();
    });
    await world.run(1000);
    expect(lines.filter((line) => /datagrams at .* are neither authenticated nor encrypted/u.test(line))).toHaveLength(
      warned ? 1 : 0,
    );
  });

  it('is refused when the node describes itself at too great length for a datagram', () => {
    const metadata = { motto: 'long'.repeat(300) };
    expect(compose({ metadata })).toThrow(/metadata must be smaller: this node's description has 1\d{3} bytes/u);
  });

  it('is refused likewise when the port that the system will choose could be what is too much', () => {
    const longest = (bind: string) => {
      for (let length = 1024; length > 0; length -= 1) {
        try {
          compose({ bind, metadata: { motto: 'x'.repeat(length) } })();
          return length;
        } catch {}
      }
      return 0;
    };
    expect(longest('127.0.0.1:0')).toBe(longest('127.0.0.1:65535'));
    expect(longest('127.0.0.1:0')).toBeGreaterThan(900);
    expect(longest('127.0.0.1:7000')).toBeGreaterThan(longest('127.0.0.1:0'));
  });

  it('is refused likewise while it runs, and nothing changes', async () => {
    const nodes = new SwimNodes('too long');
    nodes.start(['a', 'b']);
    await nodes.agree(['a', 'b']);
    const cluster = nodes.cluster('a');
    const { self, nodes: shown } = cluster;
    const call = () => cluster.describe({ metadata: { motto: 'long'.repeat(300) } });
    expect(call).toThrow(/metadata must be at most 1024 bytes with all that describes the node, got 1\d{3}/u);
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect([cluster.self, cluster.nodes]).toEqual([self, shown]);
    cluster.describe({ metadata: { motto: 'long'.repeat(200) } });
    await nodes.world.run(2000);
    expect(nodes.cluster('b').nodes[0]?.node).toEqual(cluster.self);
  });

  it('is told of its own node what the program has it say, and not what the protocol does', async () => {
    const nodes = new SwimNodes('own news');
    const told: unknown[] = [];
    nodes.start(['a', 'b']);
    await nodes.world.run(1);
    for (const id of ['a', 'b']) {
      nodes.cluster(id).on('nodeUpdated', ({ node }) => told.push([`${id}: ${node.id}`, node.metadata]));
    }
    await nodes.agree(['a', 'b']);
    nodes.cluster('a').describe({ metadata: { role: 'cache' } });
    await nodes.world.run(2000);
    const metadata = { role: 'cache' };
    expect(told).toEqual([
      ['a: a', metadata],
      ['b: a', metadata],
    ]);
  });

  it('is refused over a transport that is in memory, unless all goes by it', () => {
    const transport = memoryTransport({ network: memoryNetwork() });
    expect(compose({ transport })).toThrow("datagrams must be 'transport', because transport-memory has no streams");
    expect(compose({ transport, membership: swimMembership({ datagrams: 'transport' }) })).not.toThrow();
  });

  it('does not start when its UDP port is taken, and says which option helps', async () => {
    const world = createWorld({ seed: 'taken' });
    const host = world.host('a');
    let message = '';
    host.start(async (system) => {
      const bind = { host: host.address, port: 7000 };
      await system.net.bindDatagram(bind, () => undefined);
      const start = (port: number) => compose({ bind, system, insecure: true, membership: swimMembership({ port }) })();
      await start(7000)
        .start()
        .catch((error: unknown) => (message = String(error)));
      await start(7001).start();
    });
    await world.run(1000);
    expect(message).toContain('it is that of bind, unless the option port of swimMembership is another');
  });

  it('works with different ports for TCP and UDP, which others learn', async () => {
    const nodes = new SwimNodes('ports');
    nodes.start(['a'], { port: 9000 });
    nodes.start(['b', 'c']);
    await nodes.agree(['a', 'b', 'c']);
    await nodes.world.run(10_000);
    const stats = swimStats(nodes.cluster('a').membership);
    expect(stats?.datagrams.received).toBeGreaterThan(10);
    expect([stats?.protocol.failedProbes, stats?.localHealth, stats?.datagrams.refused]).toEqual([0, 0, {}]);
  });

  it('stays whole where no datagram gets through, by what its streams tell', async () => {
    const nodes = new SwimNodes('no UDP');
    const ids = ['a', 'b', 'c', 'd'];
    nodes.start(ids, {}, (_, system) => ({ system: { ...system, net: withoutDatagrams(system.net) } }));
    await nodes.agree(ids);
    const failed: string[] = [];
    for (const id of ids) nodes.cluster(id).on('nodeFailed', ({ node }) => void failed.push(node.id));
    await nodes.world.run(60_000);
    expect(failed).toEqual([]);
    await nodes.agree(ids);
    nodes.host('d').crash();
    await nodes.world.runUntil(() => ids.slice(0, 3).every((id) => nodes.seen(id).join() === 'a,b,c'), 60_000);
  });

  it('is rid of a node with another secret, which hears nothing', async () => {
    const nodes = new SwimNodes('stranger');
    nodes.start(['a', 'b']);
    await nodes.agree(['a', 'b']);
    nodes.start(['stranger'], {}, () => ({ secret: 'what only the tests guess' }));
    await nodes.world.run(30_000);
    expect([nodes.seen('a'), nodes.seen('stranger')]).toEqual([['a', 'b'], ['stranger']]);
  });

  it('tells of datagrams that it refuses, each reason now and then, and goes on undisturbed', async () => {
    const nodes = new SwimNodes('refused');
    const sent: Uint8Array[] = [];
    nodes.start(['a']);
    nodes.start(['b'], {}, (_, system) => ({ system: { ...system, net: recorded(system.net, sent) } }));
    await nodes.agree(['a', 'b']);
    await nodes.world.run(3000);
    const told: string[] = [];
    nodes.cluster('a').on('datagramRefused', ({ remote, error }) => told.push(`${remote.port} ${error.message}`));
    const to = { host: nodes.host('a').address, port: 7000 };
    nodes.world.host('stranger').start(async ({ net }) => {
      const socket = await net.bindDatagram({ host: nodes.host('stranger').address, port: 9 }, () => undefined);
      for (let times = 0; times < 50; times += 1) {
        // The last that b sent to a, again; with something wrong in it, under another number; and noise.
        const genuine = sent.at(-1) ?? new Uint8Array();
        socket.send(genuine, to);
        socket.send(genuine.map((byte, at) => (at === 40 ? byte ^ 1 : byte)).with(25, times), to);
        socket.send(new Uint8Array(100), to);
      }
    });
    await nodes.world.run(4000);
    expect(new Set(told.map((text) => text.split(': ')[1]))).toEqual(
      new Set(['it came before', 'it is none of a Quorate cluster', 'it is not as its sender made it']),
    );
    expect(told.length).toBe(3);
    expect(told.every((text) => text.startsWith('9 refused a datagram from'))).toBe(true);
    const refused = swimStats(nodes.cluster('a').membership)?.datagrams.refused;
    expect((refused?.['not-ours'] ?? 0) + (refused?.replayed ?? 0)).toBeGreaterThan(95);
    expect([nodes.seen('a'), nodes.seen('b')]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('does not let a second living node in with an id that is taken, and names both addresses', async () => {
    const nodes = new SwimNodes('twins');
    nodes.start(['a', 'b', 'c'], { connectAllUpTo: 2 });
    await nodes.agree(['a', 'b', 'c']);
    await nodes.world.run(10_000);
    nodes.start(['twin'], { connectAllUpTo: 2 }, () => ({ nodeId: 'b' }));
    await nodes.world.run(20_000);
    const holder = nodes.host('b').address;
    for (const id of ['a', 'b', 'c']) {
      const { members } = nodes.cluster(id).membership.view;
      expect([members.get('b')?.state, members.get('b')?.node.host]).toEqual(['alive', holder]);
    }
    const said = nodes.world.trace.text().match(/the node id b lives at \S+ and cannot also be at \S+/gu);
    expect(said).toContain(
      `the node id b lives at ${holder}:7000 and cannot also be at ${nodes.host('twin').address}:7000`,
    );
  });

  it('forms on this machine, any free port each, and sees a goodbye', async () => {
    const system = nodeSystem({ logger: silentLogger });
    const secret = 'what only the tests know';
    const a = createCluster({ ...base, nodeId: 'a', secret, system });
    await a.start();
    const b = createCluster({ ...base, nodeId: 'b', secret, system, seedNodes: [a.self] });
    const left = new Promise<string>((resolve) => a.on('nodeLeft', ({ reason }) => resolve(reason)));
    const joined = new Promise((resolve) => a.on('nodeJoined', resolve));
    await b.start();
    await joined;
    await b.stop();
    expect(await left).toBe('graceful_shutdown');
    await a.stop();
  });
});
