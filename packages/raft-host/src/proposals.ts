import { type Clock, ClusterError, type MonotonicMs, type Span } from '@quorate/core';
import type { StepResult } from '@quorate/raft';
import { type Command, CommandBatchWriter } from './commands/command-batch.ts';
import type { CommandOutcome } from './commands/command-outcome.ts';
import type { GroupInstruments } from './group-instruments.ts';

/** What became of a command, and where in the log it stands. */
export interface Settled<R> {
  readonly outcome: CommandOutcome<R>;
  readonly index: number;
}

/** A command on its way, and who waits for what becomes of it. */
export interface Proposal<R> {
  readonly command: Command;
  readonly deadline: MonotonicMs;
  /** Done only when every voter has it. */
  readonly onAll: boolean;
  /** Of the span that it is in, where it is traced. */
  readonly carrier?: string | undefined;
  resolve(settled: Settled<R>): void;
  reject(error: ClusterError): void;
}

/** A proposal that is traced, and the span of what is under way. */
interface TracedProposal {
  readonly carrier: string;
  readonly span: Span;
}

/** The proposals of one entry, in their places. */
interface ProposedEntry<R> {
  readonly index: number;
  readonly term: number;
  readonly bytes: number;
  /** 0 where nobody wants to know. */
  readonly proposedAt: MonotonicMs;
  /** In their places; undefined once given up. */
  readonly proposals: (Proposal<R> | undefined)[];
  /** The earliest of its proposals. */
  deadline: MonotonicMs;
  /** Of those that are traced: of their commit, and then of their applying. */
  spans: readonly TracedProposal[] | undefined;
}

/** An entry is closed when it has this many bytes; with the largest command it still fits into any frame. */
const FULL_ENTRY_BYTES: number = 384 * 1024;
/** The largest command, or batch of commands that stay together. */
export const MAX_COMMAND_BYTES: number = 256 * 1024;

/** What is measured of proposals. */
export type ProposalInstruments = Pick<GroupInstruments, 'commitDuration' | 'entryCommands' | 'commands' | 'span'>;

/** What a leader's core says to a proposal, and where it then stands. */
export interface Proposed {
  readonly result: StepResult | undefined;
  readonly index: number;
  readonly term: number;
}

/**
 * The proposals of a leader: gathered into one entry a turn, and settled when that is applied. Their fate is told by the
 * log alone: what stands at their index, and in which term.
 */
export class Proposals<R> {
  readonly #clock: Clock;
  readonly #instruments: ProposalInstruments;
  readonly #maxBytes: number;
  readonly #time: () => number;
  readonly #writer: CommandBatchWriter;
  #gathered: Proposal<R>[] = [];
  /** Of this turn: entries that are full. */
  #full: { readonly data: Uint8Array; readonly bytes: number; readonly proposals: Proposal<R>[] }[] = [];
  /** By index. Also those of a term in which this node no longer leads. */
  readonly #proposed = new Map<number, ProposedEntry<R>>();
  /** Applied, and not yet on every voter. */
  #onAll: { readonly index: number; readonly proposal: Proposal<R>; readonly settled: Settled<R> }[] = [];
  /** Of all that is gathered or proposed. */
  #bytes = 0;
  /** Of what is in the writer. */
  #gatheredBytes = 0;
  /** Entries of which anything is traced. */
  #traced = 0;

  constructor(parts: {
    readonly clock: Clock;
    readonly instruments: ProposalInstruments;
    /** More are refused while this much is on its way. */
    readonly maxBytes: number;
    /** Bytes to leave free in front of an entry's data. */
    readonly headroom: number;
    /** What is stamped on an entry. */
    readonly time: () => number;
  }) {
    this.#clock = parts.clock;
    this.#instruments = parts.instruments;
    this.#maxBytes = parts.maxBytes;
    this.#time = parts.time;
    this.#writer = new CommandBatchWriter(parts.headroom);
  }

  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#onAll.length === 0;
  }

  /** Of all that is on its way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether any wait for all voters. */
  get waitsForAll(): boolean {
    return this.#onAll.length > 0;
  }

  /** Takes proposals that are to stand in one entry, next to each other. */
  gather(proposals: readonly Proposal<R>[]): void {
    if (this.#bytes >= this.#maxBytes) {
      const error = new ClusterError('OVERLOADED', `${this.#bytes} bytes of commands wait to be committed already`, {
        outcome: 'not-applied',
      });
      this.#rejectAll(proposals, error);
      return;
    }
    const { bytes } = this.#writer;
    for (const proposal of proposals) {
      this.#writer.add(proposal.command);
      this.#gathered.push(proposal);
    }
    this.#gatheredBytes += this.#writer.bytes - bytes;
    this.#bytes += this.#writer.bytes - bytes;
    if (this.#writer.bytes >= FULL_ENTRY_BYTES) this.#close();
  }

  /**
   * Proposes what was gathered.
   * @param propose hands an entry's data, with headroom, to the core
   * @returns those for whom there is no leader here now
   */
  flush(propose: (data: Uint8Array) => Proposed): readonly Proposal<R>[] {
    this.#close();
    const left: Proposal<R>[] = [];
    for (const { data, bytes, proposals } of this.#full.splice(0)) {
      const proposed = propose(data);
      if (proposed.result === 'ok') {
        this.#follow(proposed, bytes, proposals);
        continue;
      }
      this.#bytes -= bytes;
      if (proposed.result === 'overloaded') this.#refuse(proposals);
      else left.push(...proposals);
    }
    return left;
  }

  /** All up to this index is committed, and about to be applied. */
  committed(index: number): void {
    if (this.#traced === 0) return;
    for (const entry of this.#proposed.values()) {
      if (entry.index > index || entry.spans === undefined) continue;
      entry.spans = entry.spans.map(({ carrier, span }) => {
        span.end();
        return { carrier, span: this.#instruments.span('apply', carrier) };
      });
    }
  }

  /** The entry at this index, of this term, is applied, with these outcomes of its commands. */
  applied(index: number, term: number, outcomes: readonly CommandOutcome<R>[]): void {
    const entry = this.#proposed.get(index);
    if (entry === undefined) return;
    this.#drop(entry);
    if (entry.term !== term) {
      this.#replaced(entry);
      return;
    }
    this.#endSpans(entry);
    const { commitDuration, commands } = this.#instruments;
    if (commitDuration.isEnabled) commitDuration.record((this.#clock.now() - entry.proposedAt) / 1000);
    let count = 0;
    for (let place = 0; place < entry.proposals.length; place += 1) {
      const proposal = entry.proposals[place];
      const outcome = outcomes[place];
      if (proposal === undefined) continue;
      count += 1;
      if (outcome === undefined) proposal.reject(unknown('its result is not known'));
      else this.#settle(proposal, { outcome, index });
    }
    commands.applied.add(count);
  }

  /** A snapshot has stepped over everything up to this index: nobody here knows what became of it. */
  steppedOver(index: number): void {
    for (const entry of this.#proposed.values()) {
      if (entry.index > index) continue;
      this.#drop(entry);
      this.#endSpans(entry);
      this.#rejectAll(entry.proposals, unknown('a snapshot came instead of its entry'));
    }
  }

  /** Every voter has the log up to here. */
  onAllVoters(index: number): void {
    const done = this.#onAll.filter((each) => each.index <= index);
    if (done.length === 0) return;
    this.#onAll = this.#onAll.filter((each) => each.index > index);
    for (const { proposal, settled } of done) proposal.resolve(settled);
  }

  /** This node leads no more: what every voter has, others see. */
  lostLeadership(): void {
    for (const { proposal } of this.#onAll.splice(0)) {
      proposal.reject(unknown('committed, but this node leads no more, and does not know when all voters have it'));
    }
  }

  /** Gives up what has waited too long. It may still be committed. */
  tick(): void {
    if (this.#proposed.size === 0 && this.#onAll.length === 0) return;
    const now = this.#clock.now();
    for (const entry of this.#proposed.values()) if (entry.deadline <= now) this.#giveUp(entry, now);
    const late = this.#onAll.filter(({ proposal }) => proposal.deadline <= now);
    if (late.length === 0) return;
    this.#onAll = this.#onAll.filter(({ proposal }) => proposal.deadline > now);
    for (const { proposal } of late) proposal.reject(timedOut('reach all voters'));
  }

  failAll(error: ClusterError): void {
    const known = [...this.#proposed.values()].flatMap(({ proposals }) => proposals);
    const unknownFate = [...known, ...this.#onAll.map(({ proposal }) => proposal)];
    const never = [...this.#full.flatMap(({ proposals }) => proposals), ...this.#gathered];
    for (const entry of this.#proposed.values()) this.#endSpans(entry, error);
    this.#proposed.clear();
    this.#onAll = [];
    this.#full = [];
    this.#gathered = [];
    if (this.#gatheredBytes > 0) this.#writer.take(0);
    this.#gatheredBytes = 0;
    this.#bytes = 0;
    this.#rejectAll(unknownFate, withOutcome(error, 'unknown'));
    this.#rejectAll(never, withOutcome(error, 'not-applied'));
  }

  #close(): void {
    if (this.#gathered.length === 0) return;
    const data = this.#writer.take(this.#time());
    this.#full.push({ data, bytes: this.#gatheredBytes, proposals: this.#gathered });
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  #follow({ index, term }: Proposed, bytes: number, proposals: Proposal<R>[]): void {
    const { commitDuration, entryCommands } = this.#instruments;
    const proposedAt = commitDuration.isEnabled ? this.#clock.now() : 0;
    entryCommands.record(proposals.length);
    const spans = this.#trace(proposals);
    this.#proposed.set(index, { index, term, bytes, proposedAt, proposals, deadline: earliest(proposals), spans });
  }

  #trace(proposals: readonly Proposal<R>[]): readonly TracedProposal[] | undefined {
    let spans: TracedProposal[] | undefined;
    for (const { carrier } of proposals) {
      if (carrier !== undefined) (spans ??= []).push({ carrier, span: this.#instruments.span('commit', carrier) });
    }
    if (spans !== undefined) this.#traced += 1;
    return spans;
  }

  #endSpans({ spans }: ProposedEntry<R>, error?: ClusterError): void {
    if (spans === undefined) return;
    this.#traced -= 1;
    for (const { span } of spans) span.end(error);
  }

  #giveUp(entry: ProposedEntry<R>, now: MonotonicMs): void {
    for (const [place, proposal] of entry.proposals.entries()) {
      if (proposal === undefined || proposal.deadline > now) continue;
      entry.proposals[place] = undefined;
      this.#rejectAll([proposal], timedOut('commit'));
    }
    entry.deadline = earliest(entry.proposals);
  }

  #refuse(proposals: readonly Proposal<R>[]): void {
    const error = new ClusterError('OVERLOADED', 'too much is uncommitted already', { outcome: 'not-applied' });
    this.#rejectAll(proposals, error);
  }

  #drop(entry: ProposedEntry<R>): void {
    this.#proposed.delete(entry.index);
    this.#bytes -= entry.bytes;
  }

  /** Another leader's entry stands there, committed: this one never will be. */
  #replaced(entry: ProposedEntry<R>): void {
    const error = new ClusterError('NOT_LEADER', 'another leader was elected before the command was committed', {
      outcome: 'not-applied',
    });
    this.#endSpans(entry, error);
    this.#rejectAll(entry.proposals, error);
  }

  #rejectAll(proposals: readonly (Proposal<R> | undefined)[], error: ClusterError): void {
    let count = 0;
    for (const proposal of proposals) {
      if (proposal === undefined) continue;
      count += 1;
      proposal.reject(error);
    }
    this.#instruments.commands[error.outcome ?? 'unknown'].add(count);
  }

  #settle(proposal: Proposal<R>, settled: Settled<R>): void {
    if (proposal.onAll && settled.outcome.ok) this.#onAll.push({ index: settled.index, proposal, settled });
    else proposal.resolve(settled);
  }
}

function earliest(proposals: readonly (Proposal<unknown> | undefined)[]): MonotonicMs {
  let earliest = Infinity;
  for (const proposal of proposals) if (proposal !== undefined) earliest = Math.min(earliest, proposal.deadline);
  return earliest;
}

function unknown(why: string): ClusterError {
  return new ClusterError('TIMEOUT', `what became of the command is not known: ${why}`, { outcome: 'unknown' });
}

function timedOut(what: string): ClusterError {
  return new ClusterError('TIMEOUT', `the command did not ${what} in time; it may still`, { outcome: 'unknown' });
}

function withOutcome(error: ClusterError, outcome: 'unknown' | 'not-applied'): ClusterError {
  return new ClusterError(error.code, error.message, { cause: error, leader: error.leader, outcome });
}
