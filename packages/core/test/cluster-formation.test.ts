import { describe, expect, it } from 'vitest';
import {
  type Charter,
  ClusterError,
  type ClusterOptions,
  type ClusterContext,
  type Formation,
  type FormationContext,
  type Plugin,
} from '../src/index.ts';
import { code, never, scene } from './cluster-scene.ts';
import { fakeElection, FakeElection, fakeStorage, type Journal } from './fake-parts.ts';
import { settle } from './manual-clock.ts';

const charter: Charter = { clusterId: 'c1', founders: ['a', 'b', 'c'] };

class FakeFormation implements Formation {
  missing = '';
  context: FormationContext | undefined;
  readonly journal: Journal;
  onForm: () => Promise<Charter> = async () => charter;

  constructor(journal: Journal = []) {
    this.journal = journal;
  }

  async start(): Promise<void> {
    this.journal.push('start formation');
  }

  form(): Promise<Charter> {
    this.journal.push('form');
    return this.onForm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.journal.push('close formation');
  }
}

function fakeFormation(formation: FakeFormation): Plugin<Formation, 'formation'> {
  return {
    name: 'formation-fake',
    kind: 'formation',
    requires: ['transport'],
    create: (context) => {
      formation.context = context;
      return formation;
    },
  };
}

function formed(kept = new Map<string, Uint8Array>(), options: Partial<ClusterOptions> = {}) {
  const formation = new FakeFormation();
  const election = new FakeElection(formation.journal);
  const seen: { context?: ClusterContext } = {};
  const plugin = fakeElection(election);
  const here = scene({
    storage: fakeStorage(kept),
    formation: fakeFormation(formation),
    election: { ...plugin, create: (given) => plugin.create((seen.context = given)) },
    ...options,
  });
  return { ...here, formation, elected: () => seen.context };
}

describe('a cluster that is formed', () => {
  it('is known when what works within it is made', async () => {
    const { cluster, transport, formation, elected } = formed();
    formation.onForm = async () => {
      expect(elected()).toBeUndefined();
      expect(transport.journal).toContain('start transport');
      return charter;
    };
    await cluster.start();
    expect(elected()?.cluster.charter).toEqual(charter);
    expect([cluster.id, cluster.status]).toEqual(['c1', 'running']);
    expect(formation.journal.indexOf('start election')).toBeGreaterThan(formation.journal.indexOf('form'));
    await cluster.stop();
    expect(formation.journal.at(-1)).toBe('close formation');
  });

  it('is remembered', async () => {
    const kept = new Map<string, Uint8Array>();
    const first = formed(kept);
    await first.cluster.start();
    await first.cluster.stop();
    const again = formed(kept);
    again.formation.onForm = async () => again.formation.context?.cluster.charter as Charter;
    await again.cluster.start();
    expect(again.elected()?.cluster.charter).toEqual(charter);
    await again.cluster.stop();
  });

  it.each([
    ['another cluster', { clusterId: 'c2', founders: ['a', 'b', 'c'] }],
    ['other founders', { clusterId: 'c1', founders: ['a', 'b'] }],
  ])('is not exchanged for one of %s', async (_, other) => {
    const kept = new Map<string, Uint8Array>();
    const first = formed(kept);
    await first.cluster.start();
    await first.cluster.stop();
    const again = formed(kept);
    again.formation.onForm = async () => other;
    await expect(again.cluster.start()).rejects.toEqual(code('CLUSTER_MISMATCH'));
  });

  it('says what is missing when it does not come about in time', async () => {
    const { cluster, clock, formation } = formed(new Map(), { timings: { startTimeoutMs: 100 } });
    formation.onForm = never;
    formation.missing = '2 of 3 nodes answer';
    const starting = cluster.start();
    starting.catch(() => undefined);
    await clock.advance(200);
    await expect(starting).rejects.toThrow('2 of 3 nodes answer');
  });

  it('is not also named by option', () => {
    expect(() => formed(new Map(), { clusterId: 'c1' })).toThrow('clusterId is set, but formation is formation-fake');
  });
});

describe('a cluster that is being formed', () => {
  const b = { id: 'b', host: '127.0.0.1', port: 2 };

  /** Started, and waiting for its formation; `start` settles as the test has it settle. */
  async function forming(options: Partial<ClusterOptions> = {}) {
    const here = formed(new Map(), { bind: '127.0.0.1:0', ...options });
    here.formation.onForm = never;
    const starting = here.cluster.start();
    starting.catch(() => undefined);
    await settle();
    return { ...here, starting };
  }

  it('shows who is there, and tells of them', async () => {
    const { cluster, transport, starting } = await forming();
    const told: string[] = [];
    cluster.on('nodeJoined', ({ node }) => told.push(`${node.id} of ${cluster.membership.view.members.size}`));
    expect(cluster.nodes.map(({ node }) => node.id)).toEqual(['a']);
    transport.connect(b);
    await settle();
    expect([told, cluster.nodes.map(({ node }) => node.id)]).toEqual([['b of 2'], ['a', 'b']]);
    expect([cluster.status, cluster.self.port, cluster.leadership]).toEqual(['starting', 4_242, undefined]);
    expect(() => cluster.election).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    await cluster.stop();
    await expect(starting).rejects.toEqual(code('CLOSED'));
  });

  it('tells of everybody once, however long it takes', async () => {
    const { cluster, transport, formation } = formed();
    const told: string[] = [];
    cluster.on('nodeJoined', ({ node }) => told.push(node.id));
    let form: ((made: Charter) => void) | undefined;
    formation.onForm = () => new Promise((resolve) => void (form = resolve));
    const starting = cluster.start();
    await settle();
    transport.connect(b);
    for (let change = 0; change < 1_200; change += 1) {
      transport.connect({ ...b, id: 'c', zone: `z${change}` });
      await Promise.resolve();
    }
    await settle();
    form?.(charter);
    await starting;
    await settle();
    expect(told).toEqual(['b', 'c']);
    await cluster.stop();
  });

  it('no longer tries who went, and is not named any more', async () => {
    const { cluster, transport, discovery } = await forming();
    discovery.say([b]);
    await settle();
    transport.connect(b);
    discovery.say([{ id: 'c', host: '127.0.0.1', port: 3 }]);
    await settle();
    expect([...transport.contacts]).toEqual(['127.0.0.1:2', '127.0.0.1:3']);
    transport.disconnect('b', 'goodbye');
    await settle();
    expect([...transport.contacts]).toEqual(['127.0.0.1:3']);
    await cluster.stop();
  });

  it('is closed by a stop, also while its formation hears nothing', async () => {
    const { cluster, transport, formation, clock, starting } = await forming();
    await cluster.stop();
    await expect(starting).rejects.toEqual(code('CLOSED'));
    const ended = [transport.journal.at(-1), formation.journal.at(-1), clock.pending];
    expect(ended).toEqual(['close transport', 'close formation', 0]);
  });

  it('is closed when the caller gives up, and makes nothing of a charter that comes then', async () => {
    const { cluster, formation, elected, clock } = formed();
    let form: ((made: Charter) => void) | undefined;
    formation.onForm = () => new Promise((resolve) => void (form = resolve));
    const giving = new AbortController();
    const starting = cluster.start({ signal: giving.signal });
    await settle();
    giving.abort();
    await expect(starting).rejects.toEqual(code('ABORTED'));
    form?.(charter);
    await settle();
    expect([elected(), cluster.status, clock.pending]).toEqual([undefined, 'stopped', 0]);
  });

  it('reaches nobody when its transport has started too late', async () => {
    const { cluster, transport, discovery } = formed(new Map(), { seedNodes: ['127.0.0.1:9'] });
    let started: (() => void) | undefined;
    transport.onStart = () => new Promise((resolve) => void (started = resolve));
    const starting = cluster.start();
    starting.catch(() => undefined);
    await settle();
    await cluster.stop();
    started?.();
    await settle();
    expect([[...transport.contacts], discovery.registered]).toEqual([[], []]);
  });

  it('is closed also where the formation can not say what it waits for', async () => {
    const { cluster, transport, formation } = formed();
    formation.onForm = () => Promise.reject(new Error('the table is gone'));
    Object.defineProperty(formation, 'missing', {
      get: () => {
        throw new Error('no words');
      },
    });
    await expect(cluster.start()).rejects.toThrow('the table is gone');
    expect([cluster.status, transport.journal.at(-1)]).toEqual(['stopped', 'close transport']);
  });

  it.each([
    ['founders in no order', { clusterId: 'c1', founders: ['b', 'a'] }],
    ['nobody', { clusterId: 'c1', founders: [] }],
    ['no id', { clusterId: 'not one', founders: ['a'] }],
    ['nothing', undefined],
  ])('does not keep a charter of %s', async (_, made) => {
    const kept = new Map<string, Uint8Array>();
    const first = formed(kept);
    first.formation.onForm = async () => made as Charter;
    await expect(first.cluster.start()).rejects.toThrow('no charter');
    // What it had kept would be found damaged.
    const again = formed(kept);
    await again.cluster.start();
    expect(again.cluster.id).toBe('c1');
    await again.cluster.stop();
  });

  it('says that it could not be stored, and not what was missing before', async () => {
    const kept = new Map<string, Uint8Array>();
    const { cluster, formation } = formed(kept);
    formation.missing = '2 of 3 nodes answer';
    formation.onForm = async () => {
      kept.set = () => {
        throw new ClusterError('IO', 'the disk is full');
      };
      return charter;
    };
    const error = await cluster.start().catch((reason: unknown) => String(reason));
    expect(error).toContain('start failed at "store what the cluster was formed with": the disk is full');
    expect(error).not.toContain('nodes answer');
    expect(cluster.status).toBe('stopped');
  });

  it('stops in time beside a discovery that does not', async () => {
    const { cluster, discovery, journal, clock, events } = await forming({ timings: { stopStepTimeoutMs: 50 } });
    discovery.unregisterNode = never;
    discovery[Symbol.asyncDispose] = never;
    const stopping = cluster.stop();
    await clock.advance(200);
    await stopping;
    expect([journal.at(-1), clock.pending]).toEqual(['close transport', 0]);
    expect(events).toContain('error unregister: TIMEOUT');
  });
});
