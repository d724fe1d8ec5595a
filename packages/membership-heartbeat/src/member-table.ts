import { MAX_GONE_MEMBERS, type Member, type MembershipView, type MonotonicMs, type NodeId } from '@quorate/core';

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
    const next = new Map(this.#remembered(now).map((member) => [member.node.id, member]));
    next.set(changed.node.id, changed);
    const members = new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#view = { version: this.#view.version + 1, members };
    return this.#view;
  }

  #remembered(now: MonotonicMs): readonly Member[] {
    const members = [...this.#view.members.values()];
    const gone = members.filter(isGone).sort((a, b) => b.since - a.since);
    const kept = new Set(gone.slice(0, MAX_GONE_MEMBERS).filter(({ since }) => since > now - this.#forgetAfterMs));
    return members.filter((member) => !isGone(member) || kept.has(member));
  }
}

export function isGone({ state }: Member): boolean {
  return state === 'left' || state === 'unreachable';
}
