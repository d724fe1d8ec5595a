import {
  forgettable,
  type Member,
  type MembershipView,
  type MonotonicMs,
  type NodeId,
  withMember,
} from '@quorate/core';

/** The view, and what it takes to make the next one of it. */
export class MemberTable {
  readonly #forgetAfterMs: number;
  #view: MembershipView;

  constructor(self: Member, forgetAfterMs: number) {
    this.#forgetAfterMs = forgetAfterMs;
    this.#view = { version: 1, members: new Map([[self.node.id, self]]) };
  }

  get view(): MembershipView {
    return this.#view;
  }

  get(id: NodeId): Member | undefined {
    return this.#view.members.get(id);
  }

  /** In order of id, so that every reader sees the same order. Forgetting rides on changes: none goes unannounced. */
  set(changed: Member, now: MonotonicMs): MembershipView {
    const { version, members } = this.#view;
    const forgotten = forgettable(members, now - this.#forgetAfterMs);
    this.#view = { version: version + 1, members: withMember(members, changed, forgotten) };
    return this.#view;
  }
}
