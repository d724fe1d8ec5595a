import { describe, expect, it } from 'vitest';
import {
  type Cluster,
  connectionMembership,
  createCluster,
  MAX_NODE_BYTES,
  type Membership,
  type MembershipChange,
  type NodeDescription,
  Pace,
  type Plugin,
} from '../src/index.ts';
import { code, scene } from './cluster-scene.ts';
import { FakeTransport, fakeTransport } from './fake-parts.ts';
import { ManualClock, manualSystem, settle } from './manual-clock.ts';

const CACHE: NodeDescription = { metadata: { role: 'cache' }, weight: 2 };

function said({ self }: Pick<Cluster, 'self'>): NodeDescription {
  const { metadata, weight } = self;
  return { ...(metadata && { metadata }), ...(weight !== undefined && { weight }) };
}

describe('a cluster whose node describes itself anew', () => {
  it('shows it at once, and tells it as any change of a node', async () => {
    const { cluster, transport } = scene({ metadata: { role: 'db' }, zone: 'z' });
    await cluster.start();
    const told: unknown[] = [];
    cluster.on('nodeUpdated', ({ node, member }) => told.push([node.metadata, cluster.nodes.includes(member)]));
    cluster.describe(CACHE);
    expect(cluster.self).toEqual({ ...transport.self, ...CACHE, zone: 'z' });
    expect(cluster.nodes[0]?.node).toEqual(cluster.self);
    await settle();
    expect(told).toEqual([[CACHE.metadata, true]]);
    await cluster.stop();
  });

  it('keeps what is not named, and has no part of what was given', async () => {
    const { cluster } = scene({ weight: 5 });
    await cluster.start();
    const metadata = { role: 'cache' };
    cluster.describe({ metadata });
    metadata.role = 'other';
    expect(said(cluster)).toEqual({ metadata: { role: 'cache' }, weight: 5 });
    cluster.describe({ weight: 0 });
    expect(said(cluster)).toEqual({ metadata: { role: 'cache' }, weight: 0 });
    cluster.describe({ metadata: {} });
    expect(said(cluster)).toEqual({ metadata: {}, weight: 0 });
    await cluster.stop();
  });

  it('alone, without a network, all the same', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'silent', metadata: { role: 'db' } });
    await cluster.start();
    const told: unknown[] = [];
    cluster.on('nodeUpdated', ({ node }) => told.push(node.metadata));
    cluster.describe(CACHE);
    expect(said(cluster)).toEqual(CACHE);
    await settle();
    expect(told).toEqual([CACHE.metadata]);
    await cluster.stop();
  });

  it('refuses what is no description, naming what is wrong, and changes nothing', async () => {
    const { cluster } = scene({ metadata: { role: 'db' }, zone: 'z'.repeat(1000) });
    await cluster.start();
    const before = [cluster.self, cluster.nodes];
    const bad: readonly (readonly [unknown, RegExp])[] = [
      [undefined, /options must be an object/u],
      [{ metadata: { n: 1 } }, /metadata must be an object whose values are texts, got an object/u],
      [{ weight: -1 }, /weight must be a number from 0, got -1/u],
      [{ zone: 'z' }, /there is no option zone/u],
      [{ metadata: { text: 'x'.repeat(MAX_NODE_BYTES - 1000) } }, /must fit 8192 bytes/u],
    ];
    for (const [description, message] of bad) {
      const call = () => cluster.describe(description as NodeDescription);
      expect(call).toThrow(message);
      expect(call).toThrow(code('INVALID_OPTIONS'));
    }
    expect([cluster.self, cluster.nodes]).toEqual(before);
    await cluster.stop();
  });

  it('has to run', async () => {
    const { cluster } = scene();
    expect(() => cluster.describe(CACHE)).toThrow(code('CLOSED'));
    await cluster.start();
    cluster.describe(CACHE);
    const stopping = cluster.stop();
    expect(() => cluster.describe({})).toThrow(code('CLOSED'));
    await stopping;
    expect(() => cluster.describe({})).toThrow(code('CLOSED'));
  });

  it('needs parts that can tell of it', async () => {
    const [mute, plain] = [new FakeTransport(), new FakeTransport()];
    Object.assign(mute, { describe: undefined });
    for (const options of [
      { transport: fakeTransport(mute) },
      { transport: fakeTransport(plain), membership: silent },
    ]) {
      const { cluster } = scene(options);
      await cluster.start();
      expect(() => cluster.describe(CACHE)).toThrow(code('UNSUPPORTED'));
      expect(said(cluster)).toEqual({});
      await cluster.stop();
    }
  });

  it('has its discovery told: the newest, one call after the other, however often it changes', async () => {
    const { cluster, discovery, clock } = scene();
    await cluster.start();
    await settle();
    discovery.failures = 1;
    for (let turn = 1; turn <= 50; turn += 1) cluster.describe({ metadata: { turn: String(turn) } });
    await clock.advance(5_000);
    expect(discovery.registered.map(({ metadata }) => metadata?.['turn'])).toEqual([undefined, '50']);
    // While it is told, the node describes itself anew.
    const register = discovery.registerNode.bind(discovery);
    discovery.registerNode = async (node) => {
      if (node.metadata?.['turn'] === '51') cluster.describe({ metadata: { turn: '52' } });
      await settle();
      await register(node);
    };
    cluster.describe({ metadata: { turn: '51' } });
    await clock.advance(5_000);
    expect(discovery.registered.slice(2).map(({ metadata }) => metadata)).toEqual([{ turn: '51' }, { turn: '52' }]);
    await cluster.stop();
    expect(clock.pending).toBe(0);
  });
});

/** One that can't tell the others anything new. */
const silent: Plugin<Membership, 'membership'> = {
  ...connectionMembership(),
  create: (context) => Object.assign(connectionMembership().create(context), { describe: undefined }),
};

describe('the membership over connections', () => {
  it('makes one change of all that a peer has said of itself in one go', async () => {
    const { cluster, transport } = scene();
    await cluster.start();
    const changes: MembershipChange[] = [];
    void collect(cluster.membership.watch(), changes);
    const b = { id: 'b', host: 'b', port: 1 };
    transport.connect(b);
    await settle();
    for (let turn = 1; turn <= 100; turn += 1) transport.described({ ...b, metadata: { turn: String(turn) } });
    await settle();
    expect(changes.map(({ type, member }) => [type, member.node.metadata])).toEqual([
      ['joined', undefined],
      ['updated', { turn: '100' }],
    ]);
    await cluster.stop();
  });

  it('does not take who is lost for alive because it said something before', async () => {
    const { cluster, transport } = scene();
    await cluster.start();
    const b = { id: 'b', host: 'b', port: 1 };
    transport.connect(b);
    await settle();
    transport.described({ ...b, weight: 2 });
    transport.disconnect('b');
    await settle();
    expect(cluster.nodes.find(({ node }) => node.id === 'b')?.state).toBe('suspect');
    await cluster.stop();
  });
});

describe('a pace', () => {
  it('does a thing at once, and what is asked for meanwhile once at the end of the interval', async () => {
    const clock = new ManualClock();
    const done: number[] = [];
    const begun = clock.now();
    const pace = new Pace(clock, 100, () => done.push(clock.now() - begun));
    pace.ask();
    pace.ask();
    await clock.advance(50);
    pace.ask();
    expect(done).toEqual([0]);
    await clock.advance(500);
    expect(done).toEqual([0, 100]);
    pace.ask();
    pace.ask();
    pace[Symbol.dispose]();
    pace.ask();
    await clock.advance(500);
    expect(done).toEqual([0, 100, 550]);
    expect(clock.pending).toBe(0);
  });

  it('is not kept by what it does from doing it again', () => {
    const clock = manualSystem().clock;
    const pace = new Pace(clock, 0, () => {
      throw new Error('failed');
    });
    expect(() => pace.ask()).toThrow('failed');
    expect(() => pace.ask()).toThrow('failed');
  });
});

async function collect<T>(values: AsyncIterable<T>, into: T[]): Promise<void> {
  for await (const value of values) into.push(value);
}
