import { type ClusterContext, ClusterError, type StateMachine, type Transport } from '@quorate/core';
import type { GroupSettings } from './group-options.ts';
import { noMachine } from './no-machine.ts';
import { RaftGroup } from './raft-group.ts';
import { RaftHost } from './raft-host.ts';
import { readPolicyOptions, type SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';

/** The group of a cluster that its election and its replicator stand on together. */
export const CLUSTER_GROUP = 1;

type AnyMachine = StateMachine<never, unknown, never, unknown>;
type AnyGroup = RaftGroup<never, unknown, never, unknown>;

/** What an adapter wants of a group: the same settings as every other that wants it, and perhaps to be its machine. */
export interface GroupUse<C, R, Q, A> {
  /** The adapter's name, for messages. */
  readonly owner: string;
  readonly settings: GroupSettings;
  /** Makes a fresh state machine. At most one user of a group has one. */
  readonly machine?: () => StateMachine<C, R, Q, A>;
  /**
   * When that machine's state is captured. Each node may have its own.
   * @default those of `SnapshotPolicyOptions`
   */
  readonly snapshots?: SnapshotPolicySettings;
}

/** A group that several parts of one node use: it starts with the first `start` and ends with the last `leave`. */
export class SharedGroup {
  readonly id: number;
  readonly #node: SharedNode;
  #settings: GroupSettings | undefined;
  #owner = '';
  #machine: (() => AnyMachine) | undefined;
  #snapshots: SnapshotPolicySettings | undefined;
  #users = 0;
  #group: AnyGroup | undefined;
  #starting: Promise<AnyGroup> | undefined;

  constructor(id: number, node: SharedNode) {
    this.id = id;
    this.#node = node;
  }

  /**
   * To be called in a plugin's `create`, so that all uses are known before the first `start`.
   * @throws ClusterError `INVALID_OPTIONS` where the uses contradict each other
   */
  join<C, R, Q, A>({ owner, settings, machine, snapshots }: GroupUse<C, R, Q, A>): void {
    this.#checkSettings(owner, settings);
    if (machine !== undefined && this.#machine !== undefined) {
      throw new ClusterError('INVALID_OPTIONS', `${owner}: group ${this.id} has a state machine already`);
    }
    this.#machine ??= machine as unknown as () => AnyMachine;
    this.#snapshots ??= snapshots;
    this.#users += 1;
  }

  /** The group, started. */
  start<C, R, Q, A>(): Promise<RaftGroup<C, R, Q, A>> {
    this.#starting ??= this.#start();
    return this.#starting as Promise<unknown> as Promise<RaftGroup<C, R, Q, A>>;
  }

  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    await this.#group?.[Symbol.asyncDispose]();
    await this.#node.closed(this);
  }

  #checkSettings(owner: string, settings: GroupSettings): void {
    if (this.#settings === undefined) {
      this.#settings = settings;
      this.#owner = owner;
      return;
    }
    for (const name of ['voters', 'timings', 'maxClockDrift'] as const) {
      const [here, there] = [JSON.stringify(settings[name]), JSON.stringify(this.#settings[name])];
      if (here === there) continue;
      throw new ClusterError(
        'INVALID_OPTIONS',
        `${owner} and ${this.#owner} share a Raft group, and must be given the same ${name}: got ${here} and ${there}`,
      );
    }
  }

  async #start(): Promise<AnyGroup> {
    const settings = this.#settings as GroupSettings;
    const machine = this.#machine ?? noMachine;
    this.#group = new RaftGroup(this.#node.host, {
      id: this.id,
      settings,
      machine,
      snapshots: this.#snapshots ?? readPolicyOptions(this.#owner, {}),
    });
    await this.#group.start();
    return this.#group;
  }
}

/** The Raft groups of one node, in whatever parts they are used. */
class SharedNode {
  readonly host: RaftHost;
  readonly #groups = new Map<number, SharedGroup>();
  readonly #onEmpty: () => void;

  constructor(context: ClusterContext, onEmpty: () => void) {
    this.host = new RaftHost(context);
    this.#onEmpty = onEmpty;
  }

  group(id: number): SharedGroup {
    const group = this.#groups.get(id) ?? new SharedGroup(id, this);
    this.#groups.set(id, group);
    return group;
  }

  async closed(group: SharedGroup): Promise<void> {
    this.#groups.delete(group.id);
    if (this.#groups.size > 0) return;
    this.#onEmpty();
    await this.host[Symbol.asyncDispose]();
  }
}

/** By its transport, which each node has one of: the parts of a node meet here without knowing of each other. */
const nodes = new WeakMap<Transport, SharedNode>();

/** The group with this id on the node that the context is of. */
export function sharedGroup(context: ClusterContext, id: number = CLUSTER_GROUP): SharedGroup {
  const { transport } = context;
  const node = nodes.get(transport) ?? new SharedNode(context, () => nodes.delete(transport));
  nodes.set(transport, node);
  return node.group(id);
}
