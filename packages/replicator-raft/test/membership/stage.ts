import { ClusterError, isClusterError } from '@quorate/core';
import { expect } from 'vitest';
import { type RaftMember, type RaftMembers, raftMembers, type SnapshotPolicyOptions } from '../../src/index.ts';
import { SimulatedCluster, type StageOptions } from '../simulated-cluster.ts';

/** A cluster whose members change, watched at each step: one leader a term, and the same commands in the same order. */
export class Stage {
  readonly cluster: SimulatedCluster;
  /** Keys whose writes were acknowledged. */
  readonly written: string[] = [];
  readonly #leaders = new Map<bigint, string>();
  #lastKey = 0;

  constructor(
    seed: string,
    founders: readonly string[],
    others: readonly string[],
    { snapshots = {}, ...options }: StageOptions & { readonly snapshots?: SnapshotPolicyOptions } = {},
  ) {
    this.cluster = new SimulatedCluster(seed, [...founders, ...others], snapshots, { ...options, founders });
    this.cluster.world.onStep(() => this.#checkLeaders());
  }

  /** All nodes run, and a leader is there. */
  async begin(): Promise<string> {
    this.cluster.startAll();
    return this.cluster.elected();
  }

  members(name: string): RaftMembers {
    return raftMembers(this.cluster.node(name));
  }

  /** As this node knows them: `a`, or `d?` for a learner. */
  shown(name: string): string {
    return show(this.members(name).all);
  }

  /** Runs the world until the change is made. */
  change(promise: Promise<void>, withinMs = 120_000): Promise<void> {
    return this.cluster.soon(promise, withinMs);
  }

  /** Until it is made, however often it is asked for: by whichever of these nodes runs, while its outcome is unknown. */
  async insist(
    names: readonly string[],
    change: (members: RaftMembers) => Promise<void>,
    isDone: () => boolean,
  ): Promise<void> {
    for (let attempt = 0; !isDone(); attempt += 1) {
      if (attempt === 50) throw new Error('the change was asked for 50 times in vain');
      const live = names.filter((name) => this.phase(name) === 'running');
      const via = live[attempt % Math.max(1, live.length)];
      if (via !== undefined) await this.cluster.soon(change(this.members(via)).catch(honest), 120_000);
      await this.cluster.world.run(500);
    }
  }

  /** Writes by this node; what was acknowledged has to stay. */
  async write(via: string, count = 1): Promise<void> {
    for (let n = 0; n < count; n += 1) await this.cluster.soon(this.writeSoon(via), 30_000);
  }

  async writeSoon(via: string): Promise<void> {
    this.#lastKey += 1;
    const key = `k${this.#lastKey}`;
    await this.cluster.node(via).replicate({ type: 'put', key, value: via }, { timeoutMs: 20_000 });
    this.written.push(key);
  }

  /** The keys in the order in which this node's machine applied them. */
  history(name: string): readonly string[] {
    return [...(this.cluster.machines.get(name)?.values.keys() ?? [])];
  }

  /** Every history is the beginning of the longest, and that has all that was acknowledged. */
  checkHistories(): void {
    const histories = this.cluster.names.map((name) => this.history(name));
    const longest = histories.reduce((a, b) => (b.length > a.length ? b : a));
    for (const history of histories) expect(history).toEqual(longest.slice(0, history.length));
    expect(this.written.filter((key) => !longest.includes(key))).toEqual([]);
  }

  /** Until exactly these are members, in the eyes of each of them, have all that was written, and take more. */
  async settled(...expected: readonly string[]): Promise<void> {
    const names = expected.map((each) => each.replace('?', ''));
    const isSettled = () =>
      names.every((name) => this.cluster.live.includes(name) && this.shown(name) === [...expected].sort().join(' '));
    await this.cluster.world.runUntil(isSettled, 60_000);
    for (const name of names) await this.write(name);
    const has = (name: string) => this.written.every((key) => this.cluster.machines.get(name)?.values.has(key));
    await this.cluster.world.runUntil(() => names.every((name) => has(name)), 60_000);
    this.checkHistories();
  }

  /** How far this node is; undefined while it does not run. */
  phase(name: string): string | undefined {
    return this.cluster.live.includes(name) ? this.members(name).phase : undefined;
  }

  /** Until this node has come so far. */
  async comesTo(name: string, phase: string): Promise<void> {
    await this.cluster.world.runUntil(() => this.phase(name) === phase, 10_000);
  }

  /** Until this node knows that it was removed. */
  removed(name: string): Promise<void> {
    return this.comesTo(name, 'removed');
  }

  #checkLeaders(): void {
    for (const name of this.cluster.live) {
      const { role, term } = this.cluster.node(name).status();
      if (role !== 'leader') continue;
      const known = this.#leaders.get(term) ?? name;
      if (known !== name) throw new Error(`${known} and ${name} both lead in term ${term}`);
      this.#leaders.set(term, name);
    }
  }
}

function show(members: readonly RaftMember[]): string {
  return members
    .map(({ nodeId, role }) => (role === 'voter' ? nodeId : `${nodeId}?`))
    .sort()
    .join(' ');
}

/** A change that fails says what is known of it. */
function honest(error: unknown): void {
  if (!isClusterError(error)) throw error;
  if (error.code !== 'ABORTED') expect([error.message, error.outcome]).not.toEqual([error.message, undefined]);
}

/** The error that a promise rejects with, once the world has run that far. */
export async function failureOf(stage: Stage, promise: Promise<unknown>): Promise<ClusterError> {
  const outcome = await stage.cluster.soon(
    promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
    120_000,
  );
  if (outcome instanceof ClusterError) return outcome;
  throw new Error(`expected a ClusterError, got ${String(outcome)}`);
}
