import {
  type ConsistencyLevel,
  isClusterError,
  type NodeId,
  type Plugin,
  type ReadOptions,
  type ReplicationStatus,
  type Replicator,
  type ReplicatorSupport,
  type WriteOptions,
} from '@quorate/core';

import { expectDefined, expectEqual } from '../expectations.ts';
import type { RefusedOptions } from '../lifecycle.ts';
import { type LiveNode, NodeCluster, type NodeHarness } from '../node-cluster.ts';
import type { TestBed } from '../test-bed.ts';
import {
  type KeyValueAnswer,
  type KeyValueCommand,
  KeyValueMachine,
  type KeyValueQuery,
  type KeyValueResult,
  type KeyValueStateMachine,
} from './key-value-machine.ts';
import { ReplicaAudit } from './replica-audit.ts';

/** A replicator of the suite's state machine. */
export type KeyValueReplicator = Replicator<KeyValueCommand, KeyValueResult, KeyValueQuery, KeyValueAnswer>;

/** How to test a replicator that has a leader. */
export interface ReplicatorHarness extends NodeHarness {
  /** What `supports` of the replicator says. */
  readonly supports: ReplicatorSupport;
  /** Whether a follower passes commands on to the leader. Where not, it rejects them with `NOT_LEADER`. */
  readonly forwards: boolean;
  /** The adapter, for one run of one node: called once for each. */
  readonly create: (node: {
    readonly voters: readonly NodeId[];
    /** Makes a fresh state machine, in its first state. */
    readonly machine: () => KeyValueStateMachine;
  }) => Plugin<KeyValueReplicator, 'replicator'>;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
  /**
   * How soon commands must be taken when they can be.
   * @default 60000 in a simulated world, 10000 on a real machine
   */
  readonly readyWithinMs?: number;
}

const VOTERS: readonly NodeId[] = ['a', 'b', 'c'];

/** Three replicas, whose order of commands is watched over at every step of the world. */
export class ReplicatorFixture implements AsyncDisposable {
  readonly cluster: NodeCluster<KeyValueReplicator>;
  readonly bed: TestBed;
  readonly readyWithinMs: number;
  readonly harness: ReplicatorHarness;
  readonly #audit = new ReplicaAudit();
  /** Of each node, those of its last run. */
  readonly #machines = new Map<NodeId, KeyValueMachine[]>();
  readonly #watch: Disposable | undefined;

  constructor(harness: ReplicatorHarness, bed: TestBed) {
    this.harness = harness;
    this.bed = bed;
    this.readyWithinMs = harness.readyWithinMs ?? (bed.world === undefined ? 10_000 : 60_000);
    const recipe = {
      kind: 'replicator',
      plugin: (id: NodeId) => this.#makePlugin(id),
      start: (replicator: KeyValueReplicator) => replicator.start(),
      consistency: strongestPreset(harness.supports),
    } as const;
    this.cluster = new NodeCluster(bed, VOTERS, recipe, harness.nodes);
    this.#watch = bed.world?.onStep(() => this.#audit.check());
  }

  /** With all replicas running and a leader that all know. */
  static async open(harness: ReplicatorHarness, bed: TestBed): Promise<ReplicatorFixture> {
    const fixture = new ReplicatorFixture(harness, bed);
    await fixture.cluster.startAll();
    await fixture.ready();
    return fixture;
  }

  replicator(id: NodeId): KeyValueReplicator {
    return this.cluster.part(id);
  }

  /** The state machine of a node's last run; the furthest, where several were made. */
  machine(id: NodeId): KeyValueMachine {
    const [furthest] = [...(this.#machines.get(id) ?? [])].sort((one, other) => other.count - one.count);
    return expectDefined(furthest, `a state machine on ${id}`);
  }

  /** Undefined once it is disposed of. */
  status(id: NodeId): ReplicationStatus | undefined {
    try {
      return this.replicator(id).status();
    } catch (error) {
      if (isClusterError(error, 'CLOSED')) return undefined;
      throw error;
    }
  }

  /** Waits until these nodes agree on one of them that leads; by default all that live. Returns it. */
  async ready(ids: readonly NodeId[] = this.cluster.live.map(({ id }) => id)): Promise<NodeId> {
    const find = () => {
      const leading = ids.filter((id) => this.status(id)?.role === 'leader');
      const [leader] = leading;
      return leading.length === 1 && ids.every((id) => this.status(id)?.leader === leader) ? leader : undefined;
    };
    await this.bed.until(`a leader of ${ids.join(', ')}`, () => find() !== undefined, this.readyWithinMs);
    return expectDefined(find(), 'a leader');
  }

  /** A node that lives and does not lead. */
  async follower(): Promise<NodeId> {
    const leader = await this.ready();
    return expectDefined(this.others(leader)[0], 'a follower');
  }

  /** Those that live, but for this one. */
  others(id: NodeId): readonly NodeId[] {
    return this.cluster.live.map((node) => node.id).filter((other) => other !== id);
  }

  /** A node whose clients may write: any where commands are forwarded, else the leader. */
  async writer(preferred: NodeId): Promise<NodeId> {
    return this.harness.forwards ? preferred : await this.ready();
  }

  /** Has a command done, where that is possible at once. */
  async write(command: KeyValueCommand, options: WriteOptions = {}): Promise<KeyValueResult> {
    const leader = await this.ready();
    return await this.soon(`${command.type} on ${leader}`, this.replicator(leader).replicate(command, options));
  }

  /** The text under a key, as this node has it. */
  async get(id: NodeId, key: string, options: ReadOptions = {}): Promise<KeyValueAnswer> {
    return await this.soon(`a read on ${id}`, this.replicator(id).read({ type: 'get', key }, options));
  }

  /** Waits until all replicas that live have come to the same state, after at least so many commands. */
  async converged(commands: number = 0): Promise<void> {
    const ids = this.cluster.live.map(({ id }) => id);
    const counts = () => ids.map((id) => this.machine(id).count);
    const isOver = () => Math.min(...counts()) >= commands && new Set(counts()).size === 1;
    await this.bed.until(`${ids.join(', ')} to have applied the same commands`, isOver, this.readyWithinMs);
    const [first, ...rest] = ids.map((id) => this.machine(id).digest);
    for (const digest of rest) expectEqual(digest, first, 'the digest of all commands');
  }

  /** What the promise settles with, when that is soon enough. */
  soon<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.bed.soon(what, promise, this.readyWithinMs);
  }

  /** Makes a call within the process of the node: later while that stands still, never once it has died. */
  within<T>(
    { machine, part }: LiveNode<KeyValueReplicator>,
    call: (part: KeyValueReplicator) => Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      machine.clock.setTimer(0, () => void call(part).then(resolve, reject));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    this.#watch?.[Symbol.dispose]();
    this.#audit.check();
  }

  #makePlugin(id: NodeId): Plugin<KeyValueReplicator, 'replicator'> {
    const machines: KeyValueMachine[] = [];
    this.#machines.set(id, machines);
    const machine = () => {
      const made = new KeyValueMachine(this.#audit.listener(id));
      machines.push(made);
      return made;
    };
    return this.harness.create({ voters: VOTERS, machine });
  }
}

/** Makes messages take so long that something is under way whenever anything fails. */
export function slowLinks({ world }: TestBed): void {
  world?.setLink(world.hosts, world.hosts, { loss: 0, duplicate: 0, reorder: 0, latencyMs: 5, jitterMs: 10 });
}

/** What reads and writes wait for unless a call says otherwise: as much as there is. */
function strongestPreset({ read, write }: ReplicatorSupport): ConsistencyLevel {
  if (!write.includes('quorum')) return 'eventual';
  if (read.includes('linearizable')) return 'linearizable';
  return read.includes('session') ? 'quorum' : 'eventual';
}
