import { describe, expect, it } from 'vitest';
import { ClusterError, formatNode } from '../src/index.ts';
import { type Scene, scene } from './cluster-scene.ts';
import { type FakeDiscovery } from './fake-parts.ts';
import { manualSystem, settle } from './manual-clock.ts';

describe('members', () => {
  it('are told, and shown already when they are told', async () => {
    const { cluster, transport, clock } = scene({ timings: { unreachableAfterMs: 1_000 } });
    const told: string[] = [];
    for (const event of ['nodeJoined', 'nodeUpdated', 'nodeSuspected', 'nodeFailed', 'nodeLeft'] as const) {
      cluster.on(event, ({ node, member }) => {
        const shown = cluster.nodes.find((candidate) => candidate.node.id === node.id);
        told.push(`${event} ${node.id} ${shown === member}`);
      });
    }
    await cluster.start();
    const b = { id: 'b', host: 'b', port: 1 };
    transport.connect(b);
    await settle();
    transport.disconnect('b');
    await settle();
    transport.connect(b);
    await settle();
    transport.disconnect('b');
    await clock.advance(1_000);
    transport.connect(b);
    await settle();
    transport.disconnect('b', 'goodbye');
    await settle();
    const lines = [
      'nodeJoined',
      'nodeSuspected',
      'nodeUpdated',
      'nodeSuspected',
      'nodeFailed',
      'nodeJoined',
      'nodeLeft',
    ];
    expect(told).toEqual(lines.map((line) => `${line} b true`));
    await cluster.stop();
  });

  it('are in the log when they come, leave, or fail', async () => {
    const lines: string[] = [];
    const logger = {
      ...manualSystem().logger,
      info: (line: string) => void lines.push(line),
      warn: (line: string) => void lines.push(`warn ${line}`),
    };
    const { cluster, transport, clock } = scene({ logger, timings: { unreachableAfterMs: 1_000 } });
    await cluster.start();
    for (const [id, reason] of [
      ['b', 'closed'],
      ['c', 'goodbye'],
    ] as const) {
      transport.connect({ id, host: id, port: 1 });
      await settle();
      transport.disconnect(id, reason);
      await clock.advance(1_000);
    }
    expect(lines.filter((line) => /[bc]@/u.test(line))).toEqual([
      'a cluster: b@b:1 is here',
      'warn a cluster: b@b:1 failed: connection_closed',
      'a cluster: c@c:1 is here',
      'a cluster: c@c:1 left: graceful_shutdown',
    ]);
    await cluster.stop();
  });

  it('that come by hundreds are not each in the log', async () => {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const { cluster, transport, clock } = scene({ logger: { ...manualSystem().logger, info: say, warn: say } });
    await cluster.start();
    const come = async (from: number) => {
      for (let at = from; at < from + 300; at += 1) transport.connect({ id: `s${at}`, host: 's', port: 1 });
      await settle();
    };
    await come(0);
    const isOfMembers = (line: string) => /@s:1|members came/u.test(line);
    expect(lines.filter(isOfMembers)).toHaveLength(101);
    await clock.advance(10_000);
    await come(300);
    expect(lines.filter(isOfMembers)).toHaveLength(202);
    await cluster.stop();
  });

  it('that came while the cluster started are told when it runs', async () => {
    const { cluster, transport, events } = scene();
    const shown = () => cluster.nodes.map(({ node }) => node.id).join('');
    cluster.on('nodeJoined', ({ node }) => events.push(`joined ${node.id}, shown ${shown()}`));
    transport.onStart = async () => {
      transport.connect({ id: 'b', host: 'b', port: 1 });
      transport.connect({ id: 'c', host: 'c', port: 1 });
      await settle();
    };
    await cluster.start();
    await settle();
    const told = ['starting > running (running)', 'joined b, shown abc', 'joined c, shown abc'];
    expect(events.slice(-3)).toEqual(told);
    await cluster.stop();
  });

  it('are shown as the membership has them, also what it tells nobody of', async () => {
    const { cluster, transport } = scene();
    await cluster.start();
    const [before] = cluster.nodes;
    transport.self = { ...transport.self, metadata: { role: 'other' } };
    expect(cluster.nodes).toEqual([{ ...before, node: transport.self }]);
    expect(cluster.nodes).toBe(cluster.nodes);
    await cluster.stop();
  });

  it('hurt nobody by a listener that throws', async () => {
    const errors: string[] = [];
    const logger = { ...manualSystem().logger, error: (message: string) => void errors.push(message) };
    const { cluster, transport } = scene({ logger });
    let heard = 0;
    cluster.on('nodeJoined', () => {
      throw new Error('mine');
    });
    cluster.on('nodeJoined', async () => {
      await settle();
      throw new Error('later');
    });
    cluster.on('nodeJoined', () => void (heard += 1));
    await cluster.start();
    transport.connect({ id: 'b', host: 'b', port: 1 });
    await settle();
    await settle();
    const logged = ['mine', 'later'].map((what) => `a cluster: a listener of nodeJoined threw: Error: ${what}`);
    expect([heard, errors]).toEqual([1, logged]);
    await cluster.stop();
  });
});

describe('leadership', () => {
  /** Each event with what the cluster shows at that moment. */
  function listen({ cluster }: Scene): string[] {
    const told: string[] = [];
    const shown = () => `leader ${cluster.leader?.nodeId}, leads ${cluster.isLeader}`;
    cluster.on('leaderChanged', ({ leader, previous }) => {
      told.push(`changed ${previous?.nodeId} > ${leader?.nodeId}: ${shown()}`);
    });
    cluster.on('leadershipAcquired', ({ leadership }) => told.push(`acquired ${leadership.token}: ${shown()}`));
    cluster.on('leadershipLost', ({ leadership }) => told.push(`lost ${leadership.token}: ${shown()}`));
    return told;
  }

  it('is campaigned for, told in step with what is shown, and campaigned for again', async () => {
    const here = scene();
    const told = listen(here);
    const { cluster, election, clock } = here;
    await cluster.start();
    await settle();
    expect(election.campaigns).toBe(1);
    election.elect(clock, 'a', 1n, 1_000);
    await settle();
    await clock.advance(1_000);
    expect(told).toEqual([
      'changed undefined > a: leader a, leads true',
      'acquired 1: leader a, leads true',
      'lost 1: leader undefined, leads false',
      'changed a > undefined: leader undefined, leads false',
    ]);
    await settle();
    expect(election.campaigns).toBe(2);
    election.observe({ nodeId: 'b', token: 2n });
    await settle();
    expect(told.at(-1)).toBe('changed undefined > b: leader b, leads false');
    await cluster.stop();
  });

  it('is lost when the cluster stops, before any part is closed', async () => {
    const here = scene();
    const { cluster, election, clock, journal } = here;
    await cluster.start();
    election.elect(clock, 'a', 1n, 60_000);
    await settle();
    cluster.on('leadershipLost', () => journal.push('lost'));
    journal.length = 0;
    await cluster.stop();
    expect(journal.slice(0, 3)).toEqual(['resign', 'lost', 'unregister']);
    expect([election.campaigns, clock.pending]).toEqual([1, 0]);
  });

  it('is told too when the program campaigns by itself', async () => {
    const here = scene({ campaign: false });
    const told = listen(here);
    await here.cluster.start();
    await settle();
    expect(here.election.campaigns).toBe(0);
    here.election.elect(here.clock, 'a', 1n, 1_000);
    await settle();
    expect(told.at(-1)).toBe('acquired 1: leader a, leads true');
    await here.cluster.stop();
  });

  it('is tried for again with growing pauses while campaigns fail', async () => {
    const { cluster, election, clock, events } = scene();
    election.failure = new ClusterError('IO', 'disk');
    await cluster.start();
    await clock.advance(60_000);
    expect(election.campaigns).toBeGreaterThan(5);
    expect(election.campaigns).toBeLessThan(15);
    expect(events).toContain('error campaign: IO');
    election.failure = undefined;
    await clock.advance(30_000);
    election.elect(clock, 'a', 1n, 1_000);
    await settle();
    expect(cluster.isLeader).toBe(true);
    await cluster.stop();
  });

  it('is not tried for by a node that cannot be elected', async () => {
    const { cluster, election, clock, events } = scene();
    election.failure = new ClusterError('UNSUPPORTED', 'no voter');
    await cluster.start();
    await clock.advance(60_000);
    expect([election.campaigns, events.filter((line) => line.startsWith('error'))]).toEqual([1, []]);
    await cluster.stop();
  });
});

describe('discovery', () => {
  const contact = (id: string) => ({ id, host: id, port: 1 });

  it('adds contacts, and registers this node with its bound address', async () => {
    const { cluster, transport, discovery } = scene({ seedNodes: ['seed:1'] });
    await cluster.start();
    await settle();
    discovery.say([contact('b'), contact('a'), { host: 'bad host', port: 1 }]);
    await settle();
    expect([...transport.contacts]).toEqual(['seed:1', 'b:1']);
    expect(discovery.registered.map(formatNode)).toEqual(['a@127.0.0.1:4242']);
    await cluster.stop();
  });

  it('takes a contact back only when a complete answer no longer names it and nobody is connected there', async () => {
    const { cluster, transport, discovery } = scene({ seedNodes: ['seed:1'] });
    await cluster.start();
    await settle();
    const say = async (...argument: Parameters<FakeDiscovery['say']>) => {
      discovery.say(...argument);
      await settle();
      return [...transport.contacts].sort().join(' ');
    };
    transport.connect({ id: 'c', host: '10.0.0.3', port: 1 });
    expect(await say([contact('b'), contact('c'), contact('d'), contact('seed')])).toBe('b:1 c:1 d:1 seed:1');
    expect(await say([])).toBe('b:1 c:1 d:1 seed:1');
    expect(await say([contact('b')], false)).toBe('b:1 c:1 d:1 seed:1');
    expect(await say([contact('e')], true, 'other')).toBe('b:1 c:1 d:1 e:1 seed:1');
    expect(await say([contact('b'), contact('e')])).toBe('b:1 c:1 e:1 seed:1');
    expect(await say([contact('f')], true, 'other')).toBe('b:1 c:1 e:1 f:1 seed:1');
    transport.disconnect('c', 'goodbye');
    await settle();
    expect([...transport.contacts].sort().join(' ')).toBe('b:1 e:1 f:1 seed:1');
    await cluster.stop();
  });

  it('keeps no node from starting, and is registered with once it is there', async () => {
    const { cluster, discovery, clock, events } = scene();
    discovery.failures = 3;
    await cluster.start();
    await settle();
    expect([cluster.status, events.at(-1)]).toEqual(['running', 'error register: IO']);
    await clock.advance(5_000);
    expect(discovery.registered).toHaveLength(1);
    await cluster.stop();
  });
});
