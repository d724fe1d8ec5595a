import type { Schedule, SlotTime } from './schedule.ts';

/** What becomes of slots that passed without being begun: nobody led, or the one before took too long. */
export type CatchUp = 'none' | 'last' | 'all';

export interface DuePolicy {
  readonly catchUp: CatchUp;
  /** With `all`: the most slots that are made up for. */
  readonly maxCatchUp: number;
  /** With `none`: how late a slot may begin. */
  readonly lateMs: number;
}

export interface DueSlots {
  /** To be done now; undefined when nothing is due. */
  readonly slot: SlotTime | undefined;
  /** The first and the last of those that are not done at all. */
  readonly skipped: { readonly from: SlotTime; readonly to: SlotTime } | undefined;
  /** When there is something to do next, if nothing is now. */
  readonly next: SlotTime | undefined;
}

/** What is due at a moment of wall time, when all slots up to another moment have been seen to. */
export function dueSlots(schedule: Schedule, after: SlotTime, now: SlotTime, policy: DuePolicy): DueSlots {
  const first = schedule.next(after);
  if (first === undefined || first > now) return { slot: undefined, skipped: undefined, next: first };
  const wanted = schedule
    .latest(now, policy.catchUp === 'all' ? policy.maxCatchUp : 1)
    .filter((slot) => slot > after && (policy.catchUp !== 'none' || now - slot <= policy.lateMs));
  const [slot] = wanted;
  if (slot === first) return { slot, skipped: undefined, next: undefined };
  const [to = first] = schedule.latest(slot === undefined ? now : slot - 1, 1);
  return { slot, skipped: { from: first, to }, next: undefined };
}
