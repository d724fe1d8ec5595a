import {
  Broadcast,
  type CallOptions,
  checkOptions,
  type Clock,
  type ClusterError,
  invalidOption,
  isNodeId,
  type MonotonicMs,
  type NodeId,
  type OptionRules,
  rule,
  throwIfAborted,
} from '@quorate/core';
import { abortable } from '../command-desk.ts';
import type { GroupPhase } from '../group-status.ts';
import type { ChangeRequest } from './change-request.ts';
import type { AddNodeOptions, ChangeMembersOptions, RaftMember, RaftMembers } from './raft-members.ts';

const DEFAULT_TIMEOUT_MS = 60_000;

const changeRules: OptionRules<ChangeMembersOptions> = {
  signal: rule.value('an AbortSignal', (value) => value instanceof AbortSignal),
  timeoutMs: rule.duration({ min: 1, max: 86_400_000 }),
};
const addRules: OptionRules<AddNodeOptions> = { ...changeRules, as: rule.oneOf('voter', 'learner') };

/** `RaftMembers`: checks what it is asked for. */
export class GroupMembers implements RaftMembers, Disposable {
  readonly #clock: Clock;
  readonly #phase: () => GroupPhase;
  readonly #error: () => ClusterError | undefined;
  readonly #all: () => readonly RaftMember[];
  readonly #carry: (change: ChangeRequest, deadline: MonotonicMs) => Promise<void>;
  readonly #watchers = new Broadcast<readonly RaftMember[]>(1);
  /** As told last, while anybody listens. */
  #told: string | undefined;

  constructor(parts: {
    readonly clock: Clock;
    readonly phase: () => GroupPhase;
    readonly error: () => ClusterError | undefined;
    readonly all: () => readonly RaftMember[];
    readonly carry: (change: ChangeRequest, deadline: MonotonicMs) => Promise<void>;
  }) {
    this.#clock = parts.clock;
    this.#phase = parts.phase;
    this.#error = parts.error;
    this.#all = parts.all;
    this.#carry = parts.carry;
  }

  get phase(): GroupPhase {
    return this.#phase();
  }

  get error(): ClusterError | undefined {
    return this.#error();
  }

  get all(): readonly RaftMember[] {
    return this.#all();
  }

  watch(options?: CallOptions): AsyncIterable<readonly RaftMember[]> {
    const { all } = this;
    if (this.#watchers.readers === 0) this.#told = JSON.stringify(all);
    return this.#watchers.watch(options, [all]);
  }

  async addNode(nodeId: NodeId, options: AddNodeOptions = {}): Promise<void> {
    const { as = 'voter', ...how } = checkOptions<AddNodeOptions>('addNode', addRules, options);
    await this.#change('addNode', { type: 'add', nodeId: checkedId('addNode', 'nodeId', nodeId), as }, how);
  }

  async removeNode(nodeId: NodeId, options: ChangeMembersOptions = {}): Promise<void> {
    const how = checkOptions<ChangeMembersOptions>('removeNode', changeRules, options);
    await this.#change('removeNode', { type: 'remove', nodeId: checkedId('removeNode', 'nodeId', nodeId) }, how);
  }

  async replaceNode(nodeId: NodeId, by: NodeId, options: ChangeMembersOptions = {}): Promise<void> {
    const how = checkOptions<ChangeMembersOptions>('replaceNode', changeRules, options);
    const change: ChangeRequest = {
      type: 'replace',
      nodeId: checkedId('replaceNode', 'nodeId', nodeId),
      by: checkedId('replaceNode', 'by', by),
    };
    await this.#change('replaceNode', change, how);
  }

  /** They may have changed. */
  changed(): void {
    if (this.#watchers.readers === 0) {
      this.#told = undefined;
      return;
    }
    const { all } = this;
    const text = JSON.stringify(all);
    if (text === this.#told) return;
    this.#told = text;
    this.#watchers.publish(all);
  }

  [Symbol.dispose](): void {
    this.#watchers[Symbol.dispose]();
  }

  async #change(what: string, change: ChangeRequest, options: ChangeMembersOptions): Promise<void> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    throwIfAborted(signal, what);
    await abortable(signal, () => this.#carry(change, this.#clock.now() + timeoutMs));
  }
}

function checkedId(owner: string, name: string, value: unknown): NodeId {
  if (isNodeId(value)) return value;
  throw invalidOption(owner, name, 'the id of a node', value);
}
