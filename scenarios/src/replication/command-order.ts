import type { AppliedCommand, LedgerObserver } from './ledger-machine.ts';

/** A command that was applied somewhere, and when that was first, in true time. */
export interface OrderedCommand extends AppliedCommand {
  readonly by: string;
  readonly at: number;
}

/** One run of one node. */
export interface ReplicaRun {
  readonly name: string;
  /** The most commands that a read has seen on it. */
  shown: number;
}

/**
 * The one order of commands, as the first replica to come so far has it: all others must have the same (state machine
 * safety; Raft, figure 3). Told from within the replicas, so a breach is kept until `check`.
 */
export class CommandOrder {
  readonly #now: () => number;
  readonly #commands: OrderedCommand[] = [];
  readonly #byId = new Map<string, OrderedCommand>();
  /** Values under each key, each with the number of the command that put it there. */
  readonly #values = new Map<string, { readonly number: number; readonly value: string | null }[]>();
  /** Ids of commands of which a client was told that they were not applied and never will be. */
  readonly #denied = new Set<string>();
  #breach: Error | undefined;

  /** @param now true time */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The number of the last command that was applied anywhere. */
  get highest(): number {
    return this.#commands.length;
  }

  /** Of that command and all before it. */
  get digest(): number {
    return this.#commands.at(-1)?.digest ?? 0;
  }

  /** What a machine tells to, that was made for this run of a node. */
  observer(run: ReplicaRun): LedgerObserver {
    const { name: by } = run;
    let last: AppliedCommand | undefined;
    return {
      applied: (command) => {
        this.#judge(by, command, last);
        last = command;
      },
      restored: (number, digest) => {
        last = undefined;
        this.#judgeRestored(by, number, digest);
      },
      queried: (number) => {
        if (number < run.shown) this.breach(`went back: ${by} shows ${number} commands, after ${run.shown}`);
        run.shown = number;
      },
    };
  }

  /** @throws Error for the first breach */
  check(): void {
    if (this.#breach !== undefined) throw this.#breach;
  }

  breach(message: string): void {
    this.#breach ??= new Error(message);
  }

  find(id: string): OrderedCommand | undefined {
    return this.#byId.get(id);
  }

  /** What was under the key when so many commands had been applied. */
  valueAt(key: string, number: number): string | null {
    return this.#values.get(key)?.findLast((each) => each.number <= number)?.value ?? null;
  }

  /** The number of the last command that was applied anywhere by this moment of true time. */
  highestAt(time: number): number {
    return this.#commands.findLast(({ at }) => at <= time)?.number ?? 0;
  }

  /** Somebody was told that this command was not applied and never will be. */
  deny(id: string): void {
    this.#denied.add(id);
    const applied = this.#byId.get(id);
    if (applied !== undefined) this.breach(`outcome: ${textOf(applied)} was applied, and its client told it was not`);
  }

  #judge(by: string, command: AppliedCommand, last: AppliedCommand | undefined): void {
    const { number } = command;
    if (last !== undefined && !follows(command, last)) {
      this.breach(`order: ${by} applied ${textOf(command)} after ${textOf(last)}`);
    }
    const known = this.#commands[number - 1];
    if (known === undefined) this.#append({ ...command, by, at: this.#now() });
    else if (textOf(known) !== textOf(command)) {
      this.breach(`state machine safety: ${by} applied ${textOf(command)}, where ${known.by} had ${textOf(known)}`);
    }
  }

  #judgeRestored(by: string, number: number, digest: number): void {
    const known = number === 0 ? 0 : this.#commands[number - 1]?.digest;
    if (known === digest) return;
    this.breach(`state machine safety: ${by} restored ${number} commands of digest ${digest}, others have ${known}`);
  }

  #append(command: OrderedCommand): void {
    const { number, value } = command;
    const { id, change } = command.command;
    const before = this.#commands.at(-1);
    if (number !== this.highest + 1)
      this.breach(`order: ${command.by} applied ${textOf(command)} before ${this.highest + 1}`);
    if (before !== undefined && !follows(command, before)) {
      this.breach(`order: ${textOf(command)} follows ${textOf(before)}`);
    }
    const twin = this.#byId.get(id);
    if (twin !== undefined) this.breach(`exactly once: ${textOf(command)} had been applied as ${textOf(twin)}`);
    if (this.#denied.has(id))
      this.breach(`outcome: ${textOf(command)} was applied after its client was told it never is`);
    if (!isTogether(command, before)) {
      this.breach(`batch: ${textOf(command)} is torn off from its batch by ${before && textOf(before)}`);
    }
    this.#commands.push(command);
    this.#byId.set(id, command);
    const values = this.#values.get(change.key) ?? [];
    this.#values.set(change.key, values);
    values.push({ number, value });
  }
}

function follows(later: AppliedCommand, earlier: AppliedCommand): boolean {
  const isNext = later.number === earlier.number + 1;
  return isNext && later.index >= earlier.index && later.term >= earlier.term && later.time >= earlier.time;
}

/** Whether the commands of a batch stand next to each other, all in one entry. */
function isTogether({ command, index }: AppliedCommand, before: AppliedCommand | undefined): boolean {
  const { batch } = command;
  const open = before?.command.batch;
  const isOpen = open !== undefined && open.place + 1 < open.size;
  if (batch === undefined || batch.place === 0) return !isOpen;
  return isOpen && open.name === batch.name && open.place + 1 === batch.place && before?.index === index;
}

function textOf({ number, index, term, time, command, digest }: AppliedCommand): string {
  return `command ${number} ${command.id} (index ${index}, term ${term}, time ${time}, digest ${digest.toString(16)})`;
}
