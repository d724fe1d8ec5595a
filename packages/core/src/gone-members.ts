import type { NodeId } from './cluster-node.ts';
import type { Member } from './membership.ts';

/** The most members in the view that left or are unreachable; the ones that went first are dropped. */
export const MAX_GONE_MEMBERS = 1_000;

const NOBODY: ReadonlySet<NodeId> = new Set();

/** Whether a member left, or is unreachable. */
export function isGone({ state }: Pick<Member, 'state'>): boolean {
  return state === 'left' || state === 'unreachable';
}

/** Who is to be dropped from a view: who went at `before` or earlier, and of more than `MAX_GONE_MEMBERS` those that went first. */
export function forgettable(members: ReadonlyMap<NodeId, Member>, before: number): ReadonlySet<NodeId> {
  const gone = [...members.values()].filter(isGone);
  if (gone.length <= MAX_GONE_MEMBERS && gone.every(({ since }) => since > before)) return NOBODY;
  gone.sort((a, b) => b.since - a.since);
  const forgotten = gone.filter(({ since }, at) => at >= MAX_GONE_MEMBERS || since <= before);
  return new Set(forgotten.map(({ node }) => node.id));
}

/**
 * The members with one that has changed or is new, and without others. In order of id, so that every reader sees the same
 * order: those that are given are in it already, and aren't sorted again, since strangers may cause a change each.
 */
export function withMember(
  members: ReadonlyMap<NodeId, Member>,
  changed: Member,
  forgotten: ReadonlySet<NodeId> = NOBODY,
): ReadonlyMap<NodeId, Member> {
  const { id } = changed.node;
  const next = new Map<NodeId, Member>();
  let isPlaced = false;
  for (const [other, member] of members) {
    if (!isPlaced && id <= other) {
      next.set(id, changed);
      isPlaced = true;
    }
    if (other !== id && !forgotten.has(other)) next.set(other, member);
  }
  if (!isPlaced) next.set(id, changed);
  return next;
}
