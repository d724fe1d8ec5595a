import {
  type ClusterContext,
  ClusterError,
  foundersOf,
  type NodeId,
  type StateMachine,
  type Transport,
} from '@quorate/core';
import type { GroupChoice, GroupSettings } from './group-options.ts';
import { agreedSettings, agreedTransfer, type AnyGroupUse, type GroupUse, type TransferUse } from './group-use.ts';
import { handOver } from './hand-over.ts';
import { noMachine } from './no-machine.ts';
import { NodeGroup } from './node-group.ts';
import type { RaftGroup } from './raft-group.ts';
import { RaftHost } from './raft-host.ts';
import { readPolicyOptions } from './snapshots/snapshot-policy.ts';

/** The group of a cluster that its election and its replicator stand on together. */
export const CLUSTER_GROUP = 1;

/** Of a group whose voters are known. */
type JoinedUse = AnyGroupUse & { readonly settings: GroupSettings };
type AnyMachine = StateMachine<never, unknown, never, unknown>;
type AnyGroup = NodeGroup<never, unknown, never, unknown>;

/** A group that several parts of one node use: it starts with the first `start` and ends with the last `leave`. */
export class SharedGroup {
  readonly id: number;
  readonly #node: SharedNode;
  /** In the order of joining; they agree. */
  #uses: readonly JoinedUse[] = [];
  #users = 0;
  #group: AnyGroup | undefined;
  #starting: Promise<AnyGroup> | undefined;

  constructor(id: number, node: SharedNode) {
    this.id = id;
    this.#node = node;
  }

  /**
   * To be called in a plugin's `create`, so that all uses are known before the first `start`.
   * @throws ClusterError `INVALID_OPTIONS` where the uses contradict each other, or the cluster's founders are not known
   */
  join<C, R, Q, A>(use: GroupUse<C, R, Q, A>): void {
    if (this.#starting !== undefined) {
      throw new ClusterError('INVALID_OPTIONS', `${use.owner}: group ${this.id} has started without it`);
    }
    const uses = this.#uses.concat({ ...use, settings: this.#node.settle(use.settings) });
    agreedSettings(uses);
    this.#node.checkTransfer(use);
    this.#uses = uses;
    this.#users += 1;
  }

  /** Who founds the group: asked by who has joined. */
  get voters(): readonly NodeId[] {
    return this.#uses[0]?.settings.voters ?? [];
  }

  /** Of all that joined. */
  get uses(): readonly AnyGroupUse[] {
    return this.#uses;
  }

  /** The group, started. */
  start<C, R, Q, A>(): Promise<RaftGroup<C, R, Q, A>> {
    this.#starting ??= this.#start();
    return this.#starting as Promise<unknown> as Promise<RaftGroup<C, R, Q, A>>;
  }

  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    // An election has handed over to whoever stands; where there is a machine, anybody who leads is welcome.
    if (this.#group !== undefined && this.#uses.some(({ machine }) => machine !== undefined)) {
      await handOver(this.#group, this.#node.host.context.clock);
    }
    await this.#group?.[Symbol.asyncDispose]();
    await this.#node.closed(this);
  }

  async #start(): Promise<AnyGroup> {
    const { machine, snapshots } = this.#uses.find((use) => use.machine !== undefined) ?? {};
    this.#group = new NodeGroup(this.#node.host, {
      id: this.id,
      settings: agreedSettings(this.#uses),
      machine: (machine as (() => AnyMachine) | undefined) ?? noMachine,
      snapshots: snapshots ?? readPolicyOptions('raft-host', {}),
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
    this.host = new RaftHost(context, () => agreedTransfer(this.#uses()));
    this.#onEmpty = onEmpty;
  }

  /** @throws ClusterError `INVALID_OPTIONS` where this use contradicts others, of whatever groups */
  checkTransfer(use: TransferUse): void {
    agreedTransfer([...this.#uses(), use]);
  }

  /** @throws ClusterError `INVALID_OPTIONS` where the cluster's founders are to found a group, and not known */
  settle(settings: GroupChoice): GroupSettings {
    const { voters } = settings;
    return { ...settings, voters: voters === 'founders' ? foundersOf(this.host.context) : voters };
  }

  group(id: number): SharedGroup {
    const group = this.#groups.get(id) ?? new SharedGroup(id, this);
    this.#groups.set(id, group);
    return group;
  }

  #uses(): readonly TransferUse[] {
    // Once it is open, what nobody named has its default.
    const transfer = this.host.transferSettings;
    if (transfer !== undefined) return [{ owner: 'those that have started', transfer }];
    return [...this.#groups.values()].flatMap((group) => group.uses);
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
