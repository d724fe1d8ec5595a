import { describe, expect, it } from 'vitest';
import {
  type Charter,
  type ClusterOptions,
  type ClusterContext,
  type Formation,
  type FormationContext,
  type Plugin,
} from '../src/index.ts';
import { code, never, scene } from './cluster-scene.ts';
import { fakeElection, FakeElection, fakeStorage, type Journal } from './fake-parts.ts';

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
