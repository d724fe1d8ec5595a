import { describe, expect, it } from 'vitest';
import {
  type ClusterContext,
  ClusterError,
  createCluster,
  formatNode,
  type LeaderElection,
  type Plugin,
} from '../src/index.ts';
import { code, never, scene } from './cluster-scene.ts';
import { FakeElection, fakeLocks, FakeLocks } from './fake-parts.ts';
import { settle } from './manual-clock.ts';

describe('start', () => {
  it('makes and starts the parts in order, each from those before it', async () => {
    const { cluster, journal, events, transport } = scene({ advertise: 'a.example.com:0' });
    expect(await cluster.start()).toBe(cluster);
    await settle();
    expect(journal).toEqual([
      'open storage',
      'write node',
      'make transport',
      'make election',
      'start election',
      'start transport',
    ]);
    expect(events).toEqual(['stopped > starting (starting)', 'starting > running (running)']);
    expect(formatNode(cluster.self)).toBe('a@a.example.com:4242');
    expect(cluster.nodes.map(({ node }) => formatNode(node))).toEqual(['a@a.example.com:4242']);
    expect(cluster.transport).toBe(transport);
    await cluster.stop();
  });

  it('gives later parts a context whose self is what was bound, and the scoped logger', async () => {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const logger = { debug: say, info: () => undefined, warn: say, error: say };
    const inner = new FakeElection();
    let context: ClusterContext | undefined = undefined;
    const create = (given: ClusterContext) => {
      context = given;
      given.logger.debug('made');
      return inner;
    };
    const election: Plugin<LeaderElection, 'election'> = { name: 'spy', kind: 'election', requires: [], create };
    const { cluster, transport } = scene({ election, logger, debug: 'election', clusterId: 'c1', name: 'shop' });
    await cluster.start();
    expect(context).toMatchObject({ self: { port: 4_242 }, incarnation: 1, cluster: { id: 'c1', name: 'shop' } });
    expect(transport.context).toMatchObject({ bind: { host: '127.0.0.1', port: 0 }, debug: new Set(['election']) });
    expect(lines).toEqual(['a election: made']);
    await cluster.stop();
  });

  it('shares one start, and cannot be started again after it has stopped', async () => {
    const { cluster, journal } = scene();
    await Promise.all([cluster.start(), cluster.start()]);
    expect(journal.filter((line) => line === 'start transport')).toHaveLength(1);
    await cluster.stop();
    await expect(cluster.start()).rejects.toEqual(code('CLOSED'));
  });

  it('obeys the signal of each call, and goes on for the first', async () => {
    const { cluster, transport } = scene();
    const bound = Promise.withResolvers<void>();
    transport.onStart = () => bound.promise;
    const first = cluster.start();
    const caller = new AbortController();
    const second = cluster.start({ signal: caller.signal });
    caller.abort(new Error('mine'));
    await expect(second).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'mine' } });
    expect(cluster.status).toBe('starting');
    bound.resolve();
    expect((await first).status).toBe('running');
    await cluster.stop();
  });

  it('closes in reverse what it had started when a step fails, and names the step', async () => {
    const { cluster, transport, journal, events } = scene();
    transport.onStart = () => Promise.reject(new ClusterError('IO', 'address in use'));
    await expect(cluster.start()).rejects.toMatchObject({
      code: 'IO',
      message: 'start failed at "start fake-transport": address in use',
      cause: { message: 'address in use' },
    });
    expect(journal.slice(-4)).toEqual(['close election', 'close discovery', 'close transport', 'close storage']);
    expect(events.at(-1)).toBe('stopping > stopped (stopped)');
    await cluster.stop();
    await expect(cluster.start()).rejects.toEqual(code('CLOSED'));
  });

  it('is bounded in time', async () => {
    const { cluster, transport, clock, journal } = scene({ timings: { startTimeoutMs: 500 } });
    transport.onStart = never;
    const starting = cluster.start().catch((error: unknown) => error);
    await clock.advance(500);
    expect(await starting).toMatchObject({
      code: 'TIMEOUT',
      message: 'start failed at "start fake-transport": start: no answer within 500 ms',
    });
    expect([journal.at(-1), clock.pending]).toEqual(['close storage', 0]);
  });

  it('obeys its signal', async () => {
    const { cluster, transport, journal } = scene();
    const controller = new AbortController();
    transport.onStart = never;
    const starting = cluster.start({ signal: controller.signal });
    await settle();
    controller.abort();
    await expect(starting).rejects.toEqual(code('ABORTED'));
    expect([journal.at(-1), cluster.status]).toEqual(['close storage', 'stopped']);
  });

  it('is given up by stop', async () => {
    const { cluster, transport, journal } = scene();
    transport.onStart = never;
    const starting = cluster.start().catch((error: unknown) => error);
    await settle();
    await cluster.stop();
    expect(await starting).toEqual(code('CLOSED'));
    expect([journal.at(-1), cluster.status]).toEqual(['close storage', 'stopped']);
  });
});

describe('stop', () => {
  const order = ['resign', 'unregister', 'close election', 'close discovery', 'close transport', 'close storage'];

  it('hands over, unregisters, then closes the parts in order; once for all calls', async () => {
    const { cluster, journal, events, clock } = scene();
    await cluster.start();
    await settle();
    journal.length = 0;
    await Promise.all([cluster.stop(), cluster.stop(), cluster[Symbol.asyncDispose]()]);
    expect(journal).toEqual(order);
    expect(events.slice(2)).toEqual(['running > stopping (stopping)', 'stopping > stopped (stopped)']);
    expect(clock.pending).toBe(0);
  });

  it('makes and starts locks last, and closes them first', async () => {
    const locks = new FakeLocks();
    const { cluster, journal } = scene({ locks: fakeLocks(locks) });
    await cluster.start();
    await settle();
    expect(locks.journal).toEqual(['make locks', 'start locks']);
    expect(cluster.locks).toBe(locks);
    const close = async () => void journal.push('close locks');
    Object.assign(locks, { [Symbol.asyncDispose]: close });
    journal.length = 0;
    await cluster.stop();
    expect(journal).toEqual([...order.slice(0, 2), 'close locks', ...order.slice(2)]);
  });

  it('goes on past steps that fail or hang, and reports them', async () => {
    const { cluster, journal, events, clock, election, transport } = scene({ timings: { stopStepTimeoutMs: 100 } });
    await cluster.start();
    await settle();
    journal.length = 0;
    election.onResign = never;
    transport.onClose = () => Promise.reject(new Error('stuck'));
    const stopping = cluster.stop();
    await clock.advance(100);
    await stopping;
    expect(journal).toEqual(order);
    expect(events).toContain('error resign: TIMEOUT');
    expect(events).toContain('error close fake-transport: IO');
  });

  it('before a start leaves nothing to be done', async () => {
    const { cluster, journal, events } = scene();
    await cluster.stop();
    expect([journal, events, cluster.status]).toEqual([[], [], 'stopped']);
  });

  it('may be called by a listener, at any change of state', async () => {
    for (const at of ['starting', 'running', 'stopping', 'stopped']) {
      const { cluster } = scene();
      cluster.on('stateChanged', ({ status }) => status === at && void cluster.stop());
      await cluster.start().catch(() => undefined);
      await cluster.stop();
      expect([at, cluster.status]).toEqual([at, 'stopped']);
    }
  });
});

describe('a cluster of one', () => {
  it('has the same API, makes only the storage, and leads until it stops', async () => {
    const here = scene({ enabled: false });
    const { cluster, journal, clock, events } = here;
    cluster.on('leadershipAcquired', ({ leadership }) => events.push(`acquired ${leadership.token}`));
    cluster.on('leadershipLost', () => events.push(`lost, leads ${cluster.isLeader}`));
    await cluster.start();
    await settle();
    expect(journal).toEqual(['open storage', 'write node']);
    expect(cluster.nodes.map(({ node, state }) => [node.id, state])).toEqual([['a', 'alive']]);
    expect([cluster.isLeader, cluster.leader, cluster.leadership?.deadline]).toEqual([
      true,
      { nodeId: 'a', token: 1n },
      Infinity,
    ]);
    const { leadership } = cluster;
    expect(await cluster.election.campaign()).toBe(leadership);
    expect(cluster.transport.send('b', 1, new Uint8Array())).toBe(false);
    await expect(cluster.transport.request('b', 1, new Uint8Array())).rejects.toEqual(code('DISCONNECTED'));
    expect(await cluster.discovery.discoverNodes()).toEqual([]);
    await expect(cluster.election.transfer('b')).rejects.toEqual(code('UNSUPPORTED'));
    await cluster.stop();
    expect([leadership?.isValid(), leadership?.signal.aborted, clock.pending]).toEqual([false, true, 0]);
    expect(events).toContain('acquired 1');
    expect(events).toContain('lost, leads false');
    await expect(cluster.election.campaign()).rejects.toEqual(code('CLOSED'));
    await expect(cluster.transport.request('b', 1, new Uint8Array())).rejects.toEqual(code('CLOSED'));
  });

  it('leads again with the next token after it resigned', async () => {
    const { cluster } = scene({ enabled: false });
    await cluster.start();
    await cluster.election.resign();
    await settle();
    expect(cluster.leader).toEqual({ nodeId: 'a', token: 2n });
    await cluster.stop();
  });

  it('runs on the real machine when no system is given', async () => {
    await using cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'silent' });
    await cluster.start();
    expect([cluster.status, cluster.isLeader]).toEqual(['running', true]);
  });
});

it('two clusters of one process know nothing of each other', async () => {
  const one = scene({ name: 'one' });
  const two = scene({ name: 'two' });
  await Promise.all([one.cluster.start(), two.cluster.start()]);
  one.transport.connect({ id: 'b', host: 'b', port: 1 });
  await settle();
  await one.cluster.stop();
  expect([one.cluster.nodes.length, two.cluster.nodes.length, two.cluster.status]).toEqual([2, 1, 'running']);
  await two.cluster.stop();
});
