import type { SlotOutcome } from './slot-claims.ts';
import type { SlotEntry } from './slot-table.ts';

/** An entry as JSON has it: tokens are decimal texts. */
interface FlatSlotEntry extends Omit<SlotEntry, 'fence' | 'claimedBy'> {
  readonly fence: string;
  readonly claimedBy: string;
}

const OUTCOMES: readonly unknown[] = ['completed', 'failed', 'skipped'];

export function flatSlotEntry({ last, outcome, starts, fence, claimedBy }: SlotEntry): FlatSlotEntry {
  return { last, outcome, starts, fence: String(fence), claimedBy: String(claimedBy) };
}

/** Undefined for what is no entry. */
export function readSlotEntry(value: unknown): SlotEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { last, outcome, starts, fence, claimedBy } = value as Readonly<Record<string, unknown>>;
  if (!isTime(last) || !isTime(starts) || !isTokenText(fence) || !isTokenText(claimedBy)) return undefined;
  if (outcome !== undefined && !isOutcome(outcome)) return undefined;
  return { last, outcome, starts, fence: BigInt(fence), claimedBy: BigInt(claimedBy) };
}

export function isOutcome(value: unknown): value is SlotOutcome {
  return OUTCOMES.includes(value);
}

export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function isTokenText(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,20}$/u.test(value);
}
