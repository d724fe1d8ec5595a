import {
  Broadcast,
  type CallOptions,
  type Member,
  type MembershipChange,
  type MembershipView,
  type NodeId,
} from '@quorate/core';
import type { Map as ImmutableMap } from 'immutable';

import type { SwimChange } from './protocol/types.ts';

const MAX_UNREAD_CHANGES = 1024;

/** The machine's table as a map that can only be read: shared, not copied. */
class TableView implements ReadonlyMap<NodeId, Member> {
  readonly #table: ImmutableMap<NodeId, Member>;

  constructor(table: ImmutableMap<NodeId, Member>) {
    this.#table = table;
  }

  get size(): number {
    return this.#table.size;
  }

  get(id: NodeId): Member | undefined {
    return this.#table.get(id);
  }

  has(id: NodeId): boolean {
    return this.#table.has(id);
  }

  forEach(each: (member: Member, id: NodeId, map: ReadonlyMap<NodeId, Member>) => void): void {
    for (const [id, member] of this.#table) each(member, id, this);
  }

  *keys(): Generator<NodeId, undefined> {
    yield* this.#table.keys();
    return undefined;
  }

  *values(): Generator<Member, undefined> {
    yield* this.#table.values();
    return undefined;
  }

  *entries(): Generator<[NodeId, Member], undefined> {
    yield* this.#table.entries();
    return undefined;
  }

  [Symbol.iterator](): Generator<[NodeId, Member], undefined> {
    return this.entries();
  }
}

/** The view that users read, and what they are told of its changes. */
export class MembersView implements Disposable {
  readonly #changes = new Broadcast<MembershipChange>(MAX_UNREAD_CHANGES);
  #view: MembershipView;

  /** @param self this node, before there is a table */
  constructor(self: Member) {
    this.#view = { version: 1, members: new Map([[self.node.id, self]]) };
  }

  get view(): MembershipView {
    return this.#view;
  }

  /** A change that nobody is told of. */
  replace(table: ImmutableMap<NodeId, Member>): void {
    this.#view = { version: this.#view.version + 1, members: new TableView(table) };
  }

  tell(table: ImmutableMap<NodeId, Member>, change: SwimChange): void {
    this.replace(table);
    if (change.type === 'remembered' || change.type === 'forgotten') return;
    // Its member is a record of the protocol, which is a member and more.
    this.#changes.publish({ ...change, view: this.#view } as MembershipChange);
  }

  watch(options: CallOptions): AsyncIterable<MembershipChange> {
    return this.#changes.watch(options);
  }

  /** Ends every watch. The view stays. */
  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
  }
}
