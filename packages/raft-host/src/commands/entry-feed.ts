import { ClusterError } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { commandCount } from './command-batch.ts';
import type { CommandOutcome } from './command-outcome.ts';
import type { CommittedEntry, Interruption } from './entry-run.ts';
import type { ReplicatedMachine } from './replicated-machine.ts';
import { type CommandPosition, decodeSkip, isSkip } from './skip.ts';
import { SkipSet } from './skip-set.ts';

/** The part of a `ReplicatedMachine` that has nothing to do with the types of its commands. */
export type AppliedMachine<R> = Pick<
  ReplicatedMachine<unknown, R, unknown, unknown>,
  'applied' | 'apply' | 'restore' | 'reset' | 'rebuilt' | 'skip' | 'hasSkip'
>;

/** The command at which a machine has stopped. */
export interface Halt extends CommandPosition {
  /** What the machine threw is its cause. */
  readonly error: ClusterError;
  /** Whether a skip of the command would let it go on. */
  readonly canBeSkipped: boolean;
}

/** Who is told of entries. */
export interface EntryListener<R> {
  /** An entry is applied, with these outcomes of its commands. */
  entryApplied(index: number, term: number, outcomes: readonly CommandOutcome<R>[]): void;
}

const NO_DATA = new Uint8Array();

/**
 * Feeds a machine with entries, slice by slice, and tells of each entry once, whatever the machine goes through: when it
 * is rebuilt, what was told before is not told again.
 */
export class EntryFeed<R> {
  readonly #machine: AppliedMachine<R>;
  readonly #maxCommands: number;
  readonly #listener: EntryListener<R>;
  #told: number;
  /** Changes of the configuration were told through here; that is more than `#told` where the machine stands still. */
  #changesTold: number;
  #time: number;
  /** Through here, commands are applied one by one. */
  #oneByOne = 0;
  /** All that the log was seen to say. */
  readonly #skips = new SkipSet();
  #isOver = false;

  /** @param maxCommands the most that are handed to the machine with one call; an entry is never cut */
  constructor(machine: AppliedMachine<R>, maxCommands: number, listener: EntryListener<R>) {
    this.#machine = machine;
    this.#maxCommands = maxCommands;
    this.#listener = listener;
    const { index, time } = machine.applied;
    this.#told = index;
    this.#changesTold = index;
    this.#time = time;
  }

  /** The last entry that was told of, or that a snapshot has stepped over. */
  get told(): number {
    return this.#told;
  }

  /** Of the log there, in milliseconds. Never decreases. */
  get time(): number {
    return this.#time;
  }

  /** Nothing is told any more. */
  end(): void {
    this.#isOver = true;
  }

  /**
   * Applies a slice of these entries.
   * @param at where it begins
   * @returns where it ends; or why the machine could not be fed
   */
  apply(entries: readonly Entry[], at: number): number | Interruption {
    const first = entries[at];
    if (first === undefined) return at;
    if (first.index <= this.#machine.applied.index) {
      // A snapshot has stepped over it, which whoever handed it over may not know of.
      this.#tellChange(first);
      return at + 1;
    }
    const oneByOne = first.index <= this.#oneByOne;
    // One by one, so that what comes before a failure is told of.
    const slice = entries.slice(at, oneByOne ? at + 1 : this.#endOfSlice(entries, at));
    const result = this.#machine.apply(slice.map(forMachine), { oneByOne });
    if (result.kind !== 'applied') return result;
    this.#time = Math.max(this.#time, this.#machine.applied.time);
    for (const [number, entry] of slice.entries()) this.#tell(entry, result.outcomes[number] ?? []);
    return at + slice.length;
  }

  /**
   * Looks through entries that are not applied now, since the machine stands still: changes of the configuration are told
   * of, because they have nothing to do with it, and skips are kept in mind.
   */
  passBy(entries: readonly Entry[], at: number): void {
    for (const entry of entries.slice(at)) {
      this.#tellChange(entry);
      if (entry.type === 'normal' && isSkip(entry.data)) this.#learn(entry);
    }
  }

  /** What follows from an interruption: where the machine is halted, or that it is to be rebuilt and fed again. */
  judge(interruption: Interruption): Halt | 'again' {
    if (interruption.kind === 'skipped-late') {
      this.#skips.add(interruption.position);
      return 'again';
    }
    const { to, error, canBeSkipped } = interruption.failure;
    if (to.index > this.#oneByOne) {
      this.#oneByOne = to.index;
      return 'again';
    }
    return { ...to, error: failedAt(to, error), canBeSkipped };
  }

  /** Whether the log is known to say that the command is to be skipped, which helps. */
  isSkipped({ index, place, canBeSkipped }: Halt): boolean {
    return canBeSkipped && this.#skips.has({ index, place });
  }

  /** The machine was made from a snapshot, or afresh. It is halted when that has a command which the log says to skip. */
  restored(): Halt | undefined {
    const { index, time } = this.#machine.applied;
    this.#told = Math.max(this.#told, index);
    this.#time = Math.max(this.#time, time);
    for (const position of this.#skips.positions()) {
      if (this.#machine.hasSkip(position)) continue;
      if (position.index <= index)
        return { ...position, error: appliedElsewhere(position, index), canBeSkipped: false };
      this.#machine.skip(position);
    }
    return undefined;
  }

  #endOfSlice(entries: readonly Entry[], at: number): number {
    let commands = 0;
    for (let end = at; end < entries.length; end += 1) {
      commands += commandCount(entries[end]?.data ?? NO_DATA);
      if (end > at && commands > this.#maxCommands) return end;
    }
    return entries.length;
  }

  #tell(entry: Entry, outcomes: readonly CommandOutcome<R>[]): void {
    const { index, term, type } = entry;
    if (this.#isOver || index <= this.#told) return;
    this.#told = index;
    const wasTold = type !== 'normal' && index <= this.#changesTold;
    this.#changesTold = Math.max(this.#changesTold, index);
    if (!wasTold) this.#listener.entryApplied(index, term, outcomes);
  }

  #tellChange({ index, term, type }: Entry): void {
    if (this.#isOver || index <= this.#changesTold) return;
    this.#changesTold = index;
    if (type !== 'normal') this.#listener.entryApplied(index, term, []);
  }

  #learn({ index, data }: Entry): void {
    try {
      const position = decodeSkip(data);
      if (position.index < index) this.#skips.add(position);
    } catch {
      // The machine will come to it, and be halted there.
    }
  }
}

/** A change of the configuration is nothing to a machine. */
function forMachine(entry: Entry): CommittedEntry {
  return entry.type === 'normal' ? entry : { index: entry.index, term: entry.term, data: NO_DATA };
}

function failedAt({ index, place }: CommandPosition, cause: unknown): ClusterError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ClusterError('REMOTE', `the state machine failed at command ${place} of entry ${index}: ${detail}`, {
    cause,
  });
}

function appliedElsewhere({ index, place }: CommandPosition, snapshot: number): ClusterError {
  const message =
    `command ${place} of entry ${index} was skipped after it had been applied here, and is in the snapshot of ${snapshot}: ` +
    'the state has to come from another node';
  return new ClusterError('REMOTE', message);
}
