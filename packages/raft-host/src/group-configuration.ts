import type { NodeId, SnapshotInfo } from '@quorate/core';
import { type ConfState, decodeConfChange, type Entry, type Message } from '@quorate/raft';
import { decodeChangeContext, decodeSnapshotMembers, type Member, Members, type SnapshotMembers } from './members.ts';

/** Numbers of nodes that spoke before they were known as members. */
const MAX_ROUTES = 1024;

const NOBODY: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** Who is told of those who are no members any more. */
interface StrangerListener {
  /** A node speaks as a member that was removed. */
  strangerSpoke(nodeId: NodeId, number: number): void;
}

/** Who is a member of a group, as far as its log is applied here, and who is behind which number. */
export class GroupConfiguration {
  readonly members: Members = new Members();
  #confState: ConfState = NOBODY;
  /** Who spoke under a number before the members were known. */
  #routes: Map<number, NodeId> | undefined;
  /** Committed changes that the machine has not come to yet, by index. */
  #changes: Map<number, Entry> | undefined;

  readonly #owner: StrangerListener;

  /** @param snapshot what the log begins with */
  constructor(snapshot: SnapshotInfo | undefined, owner: StrangerListener) {
    this.#owner = owner;
    if (snapshot !== undefined) this.restore(snapshot);
  }

  /** Up to where the log was committed when this node began. */
  committedAtFirst = 0;

  /** The members, for others: nobody, as long as some may be missing because what was committed is not applied yet. */
  knownWith(applied: number): readonly Member[] {
    return applied >= this.committedAtFirst ? this.members.all : [];
  }

  get confState(): ConfState {
    return this.#confState;
  }

  /** The node behind a number, if it is known. */
  nodeOf(number: number): NodeId | undefined {
    return this.members.get(number)?.nodeId ?? this.#routes?.get(number);
  }

  /**
   * Whether this node may send that: who speaks under a member's number must be that member; reads are passed on. Those who
   * were removed are not heard: what they say counts for nothing here, and must not disturb anybody.
   */
  isFrom(nodeId: NodeId, { from, type }: Pick<Message, 'from' | 'type'>): boolean {
    const member = this.members.get(from);
    if (member !== undefined) return member.nodeId === nodeId || type === 'ReadIndex';
    if (this.members.wasRemoved(from)) {
      if (type !== 'ReadIndex') this.#owner.strangerSpoke(nodeId, from);
      return false;
    }
    this.#routes ??= new Map();
    if (this.#routes.size < MAX_ROUTES || this.#routes.has(from)) this.#routes.set(from, nodeId);
    return true;
  }

  /** As of a snapshot; what waited to be applied is in it. */
  restore({ metadata }: SnapshotInfo): void {
    const { members, lastNumber, confState } = decodeSnapshotMembers(metadata);
    this.#changes = undefined;
    this.members.replace(members, lastNumber);
    this.#confState = confState;
  }

  /** These are committed; changes among them take effect when they are applied. */
  committed(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.type !== 'normal') (this.#changes ??= new Map()).set(entry.index, entry);
  }

  /**
   * The entry at this index is applied. True if it has changed the configuration.
   * @param apply has the change made; undefined when the group has failed
   */
  applied(index: number, apply: (entry: Entry) => ConfState | undefined): boolean {
    const entry = this.#changes?.get(index);
    if (entry === undefined) return false;
    this.#changes?.delete(index);
    if (this.#changes?.size === 0) this.#changes = undefined;
    const { members } = decodeChangeContext(decodeConfChange(entry).context);
    const confState = apply(entry);
    if (confState === undefined) return false;
    this.#confState = confState;
    for (const member of members) this.members.put(member);
    this.members.retain(confState);
    return true;
  }

  /** What goes with a snapshot that is taken now. */
  capture(): SnapshotMembers {
    return { confState: this.#confState, members: this.members.all, lastNumber: this.members.lastNumber };
  }
}
