import type { SlotTime } from './schedule.ts';
import type { SlotOutcome, SlotRecord } from './slot-claims.ts';

/** A claim, or what comes with one, as a command of a state machine. Tokens are decimal texts. */
export type SlotCommand =
  | { readonly do: 'open'; readonly task: string; readonly token: string; readonly from: SlotTime }
  | {
      readonly do: 'claim';
      readonly task: string;
      readonly token: string;
      readonly slot: SlotTime;
      readonly after: SlotTime;
    }
  | {
      readonly do: 'reclaim';
      readonly task: string;
      readonly token: string;
      readonly slot: SlotTime;
      readonly starts: number;
    }
  | {
      readonly do: 'settle';
      readonly task: string;
      readonly token: string;
      readonly slot: SlotTime;
      readonly outcome: SlotOutcome;
    }
  | { readonly do: 'forget'; readonly task: string };

/** What came of a command about slots. */
export type SlotResult =
  | { readonly kind: 'record'; readonly record: SlotRecord }
  | { readonly kind: 'claimed' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'done' }
  /** A higher token has opened the task. */
  | { readonly kind: 'stale'; readonly token: string }
  /** There are too many tasks. */
  | { readonly kind: 'full' }
  /** The command is none. */
  | { readonly kind: 'invalid' };

/** What is kept of a task. */
export interface SlotEntry extends SlotRecord {
  /** The highest token that has opened it. */
  readonly fence: bigint;
  /** The token of the last claim. */
  readonly claimedBy: bigint;
}

/** The most tasks that are kept: part of the replicated state, so it is no option. */
export const MAX_TASKS = 10_000;

/** The rules of slots that are claimed once, as a deterministic table. */
export class SlotTable {
  readonly #entries: Map<string, SlotEntry>;

  constructor(entries: Iterable<readonly [string, SlotEntry]> = []) {
    this.#entries = new Map(entries);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(task: string): SlotEntry | undefined {
    return this.#entries.get(task);
  }

  entries(): readonly (readonly [string, SlotEntry])[] {
    return [...this.#entries];
  }

  apply(command: SlotCommand): SlotResult {
    if (command.do === 'forget') {
      this.#entries.delete(command.task);
      return { kind: 'done' };
    }
    const token = BigInt(command.token);
    const entry = this.#entries.get(command.task);
    if (entry !== undefined && token < entry.fence) return { kind: 'stale', token: String(entry.fence) };
    switch (command.do) {
      case 'open':
        return this.#open(command.task, entry, token, command.from);
      case 'claim':
        return this.#claim(command.task, entry, token, command);
      case 'reclaim':
        return this.#reclaim(command.task, entry, token, command);
      case 'settle':
        return this.#settle(command.task, entry, token, command);
    }
  }

  #open(task: string, known: SlotEntry | undefined, token: bigint, from: SlotTime): SlotResult {
    if (known === undefined && this.#entries.size >= MAX_TASKS) return { kind: 'full' };
    const fresh = { last: from, outcome: 'skipped', starts: 0, claimedBy: token } as const;
    const entry = { ...(known ?? fresh), fence: token };
    this.#entries.set(task, entry);
    const { last, outcome, starts } = entry;
    return { kind: 'record', record: { last, outcome, starts } };
  }

  #claim(
    task: string,
    entry: SlotEntry | undefined,
    token: bigint,
    { slot, after }: { readonly slot: SlotTime; readonly after: SlotTime },
  ): SlotResult {
    if (entry === undefined) return { kind: 'taken' };
    // The same claim once more: who made it was not told.
    if (entry.last === slot && entry.claimedBy === token) return { kind: 'claimed' };
    if (entry.last !== after || slot <= after) return { kind: 'taken' };
    this.#entries.set(task, { ...entry, last: slot, outcome: undefined, starts: 1, claimedBy: token });
    return { kind: 'claimed' };
  }

  #reclaim(
    task: string,
    entry: SlotEntry | undefined,
    token: bigint,
    { slot, starts }: { readonly slot: SlotTime; readonly starts: number },
  ): SlotResult {
    if (entry?.last !== slot || entry.outcome !== undefined) return { kind: 'taken' };
    if (entry.starts === starts + 1 && entry.claimedBy === token) return { kind: 'claimed' };
    if (entry.starts !== starts) return { kind: 'taken' };
    this.#entries.set(task, { ...entry, starts: starts + 1, claimedBy: token });
    return { kind: 'claimed' };
  }

  #settle(
    task: string,
    entry: SlotEntry | undefined,
    token: bigint,
    { slot, outcome }: { readonly slot: SlotTime; readonly outcome: SlotOutcome },
  ): SlotResult {
    // Of who opened it, or claimed it: what an interrupted claim comes to is said by the next holder.
    if (entry?.last === slot && token === entry.fence) this.#entries.set(task, { ...entry, outcome });
    return { kind: 'done' };
  }
}
