import type { NodeId } from '@quorate/core';
import type { RaftNode } from '@quorate/raft';
import type { GroupRole } from '../running-group-parts.ts';
import type { Pulses, Sleeper } from './pulses.ts';
import type { RestNotice } from './rest-notice.ts';

/** A group that doesn't tick while there is nothing to do. */
export interface RestingGroup {
  readonly id: number;
  readonly formationTag: number;
  readonly node: RaftNode;
  readonly role: GroupRole;
  /** The last entry that the machine has applied. */
  readonly applied: number;
  /** Whether nobody here waits for anything, and it is fine for this node when the group doesn't tick. */
  readonly isIdle: boolean;
  /** The node behind a number, if it is known. */
  nodeOf(number: number): NodeId | undefined;
  /** Stops or begins ticking. */
  restChanged(isResting: boolean): void;
}

/** Whether a group ticks, and why not: once the leader and a member agree that nothing is left to do. */
export class GroupRest implements Sleeper {
  readonly #pulses: Pulses;
  readonly patienceMs: number;
  /** Ticks without anything to do after which a leader lets the group rest. */
  readonly #afterTicks: number;
  readonly #group: RestingGroup;
  #quietTicks = 0;
  /** On whom it relies while it rests. */
  #peers: readonly NodeId[] | undefined;

  constructor(parts: {
    readonly pulses: Pulses;
    readonly patienceMs: number;
    readonly afterTicks: number;
    readonly group: RestingGroup;
  }) {
    this.#pulses = parts.pulses;
    this.#afterTicks = parts.afterTicks;
    this.#group = parts.group;
    this.patienceMs = parts.patienceMs;
  }

  tick(): void {
    this.#quietTicks += 1;
  }

  /** There was something to do. */
  disturbed(): void {
    this.#quietTicks = 0;
  }

  /** A leader that has had nothing to do for long lets the group rest, and all others know. */
  restIfIdle(): void {
    const group = this.#group;
    if (this.#quietTicks < this.#afterTicks || !group.isIdle) return;
    if (group.role.role !== 'leader' || !group.node.mayRest()) return;
    const { progress, term, lastIndex: index, id } = group.node.status();
    const peers = [...progress.keys()]
      .filter((number) => number !== id)
      .flatMap((number) => group.nodeOf(number) ?? []);
    for (const peer of peers)
      this.#pulses.notify(peer, { group: group.id, formation: group.formationTag, term, index });
    this.#rest(peers);
  }

  /** The leader says that nothing is left to do: so it is here, or this node goes on ticking, and it will hear. */
  told(from: NodeId, { formation, term, index }: RestNotice): void {
    const group = this.#group;
    if (formation !== group.formationTag || !group.isIdle) return;
    const basic = group.node.basicStatus();
    const isSame = basic.term === term && basic.lastIndex === index && basic.commit === index;
    if (!isSame || group.applied !== index) return;
    if (group.role.role === 'follower' && group.nodeOf(basic.leader) === from) this.#rest([from]);
  }

  #rest(peers: readonly NodeId[]): void {
    if (this.#peers !== undefined) return;
    // A list that was made piece by piece has room for more.
    this.#peers = [...peers];
    for (const peer of peers) this.#pulses.watch(peer, this);
    this.#group.restChanged(true);
  }

  wake(): void {
    const peers = this.#peers;
    this.#quietTicks = 0;
    if (peers === undefined) return;
    this.#peers = undefined;
    for (const peer of peers) this.#pulses.unwatch(peer, this);
    this.#group.restChanged(false);
  }
}
