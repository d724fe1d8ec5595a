import type { LeaderElection, Leadership, NodeId, Plugin } from '@quorate/core';
import type { World } from '@quorate/simulator';

import { expectDefined, ExpectationError } from './expectations.ts';
import type { RefusedOptions } from './lifecycle.ts';
import { NodeCluster, type NodeHarness } from './node-cluster.ts';
import type { TestBed } from './test-bed.ts';

/** How to test an election. */
export interface ElectionHarness extends NodeHarness {
  /** What `supports` of the election says. */
  readonly supports: LeaderElection['supports'];
  /**
   * The adapter, for nodes with these ids. Called once for each case; with the world that the case runs in, where there is
   * one, for what else is to run in it.
   */
  readonly create: (cluster: {
    readonly voters: readonly NodeId[];
    readonly world?: World | undefined;
  }) => Plugin<LeaderElection, 'election'>;
  /**
   * Whether something other than the nodes themselves decides who leads, so that any of them may lead alone.
   * @default false
   */
  readonly decidedElsewhere?: boolean;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
  /**
   * How soon there must be a leader when there can be one.
   * @default 60000 in a simulated world, 10000 on a real machine
   */
  readonly electedWithinMs?: number;
}

const VOTERS: readonly NodeId[] = ['a', 'b', 'c'];

/** Three elections that know each other, watched over at every step of the world. */
export class ElectionFixture implements AsyncDisposable {
  readonly cluster: NodeCluster<LeaderElection>;
  readonly bed: TestBed;
  readonly electedWithinMs: number;
  readonly #watch: Disposable | undefined;
  readonly #audit: GrantAudit;

  private constructor(harness: ElectionHarness, bed: TestBed) {
    this.bed = bed;
    const plugin = harness.create({ voters: VOTERS, world: bed.world });
    const recipe = { kind: 'election', plugin, start: (election: LeaderElection) => election.start() } as const;
    this.cluster = new NodeCluster(bed, VOTERS, recipe, harness.nodes);
    this.electedWithinMs = harness.electedWithinMs ?? (bed.world === undefined ? 10_000 : 60_000);
    this.#audit = new GrantAudit(() => this.cluster.live.map(({ id, part }) => [id, part.leadership] as const));
    this.#watch = bed.world?.onStep(() => this.#audit.check());
  }

  static async open(harness: ElectionHarness, bed: TestBed): Promise<ElectionFixture> {
    const fixture = new ElectionFixture(harness, bed);
    await fixture.cluster.startAll();
    return fixture;
  }

  election(id: NodeId): LeaderElection {
    return this.cluster.part(id);
  }

  /** Stands for election on these nodes, and leaves the calls waiting. */
  candidates(ids: readonly NodeId[] = VOTERS): void {
    for (const id of ids)
      this.election(id)
        .campaign()
        .catch(() => undefined);
  }

  /** The node that holds a valid grant, once there is one; `except` is not waited for. */
  async leader(except?: NodeId): Promise<{ readonly id: NodeId; readonly grant: Leadership }> {
    const find = () => this.cluster.live.find(({ id, part }) => id !== except && part.leadership?.isValid() === true);
    await this.bed.until('a leader', () => find() !== undefined, this.electedWithinMs);
    const { id, part } = expectDefined(find(), 'a leader');
    return { id, grant: expectDefined(part.leadership, 'its grant') };
  }

  /** Makes one node lead, without any other candidate. */
  async elect(id: NodeId): Promise<Leadership> {
    return await this.bed.soon(`the election of ${id}`, this.election(id).campaign(), this.electedWithinMs);
  }

  /** Waits until these nodes know of that leader. */
  async observed(leader: NodeId, ids: readonly NodeId[] = this.cluster.live.map(({ id }) => id)): Promise<void> {
    const all = () => ids.every((id) => this.election(id).leader?.nodeId === leader);
    await this.bed.until(`${ids.join(', ')} to observe ${leader} as the leader`, all, this.electedWithinMs);
  }

  /** The token last seen in a grant. */
  get highestToken(): bigint {
    return this.#audit.highestToken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    this.#watch?.[Symbol.dispose]();
  }
}

/** Sees to it that no two grants are valid at one time, and that tokens only grow. */
export class GrantAudit {
  readonly #grants: () => readonly (readonly [NodeId, Leadership | undefined])[];
  readonly #owners = new Map<bigint, NodeId>();
  #highest = -1n;

  constructor(grants: () => readonly (readonly [NodeId, Leadership | undefined])[]) {
    this.#grants = grants;
  }

  get highestToken(): bigint {
    return this.#highest;
  }

  /** @throws ExpectationError */
  check(): void {
    const valid = this.#grants().filter(([, grant]) => grant?.isValid() === true);
    if (valid.length > 1) {
      const who = valid.map(([id, grant]) => `${id} with token ${grant?.token}`);
      throw new ExpectationError(`two grants are valid at one time: ${who.join(' and ')}`);
    }
    for (const [id, grant] of valid) if (grant !== undefined) this.#note(id, grant.token);
  }

  #note(id: NodeId, token: bigint): void {
    const owner = this.#owners.get(token);
    if (owner === id) return;
    if (owner !== undefined) throw new ExpectationError(`token ${token} was granted to ${owner} and to ${id}`);
    if (token <= this.#highest) {
      throw new ExpectationError(`${id} got token ${token}, after ${this.#highest} was granted`);
    }
    this.#owners.set(token, id);
    this.#highest = token;
  }
}
