import { type ClusterError, ENTRY_HEADROOM } from '@quorate/core';
import type { ReadState } from '@quorate/raft';
import type { CommandOutcome } from './commands/command-outcome.ts';
import { MAX_PENDING_BYTES } from './core-config.ts';
import { Dispatch, type Leader } from './dispatch.ts';
import { encodeForwarded } from './forwarding.ts';
import type { Proposed } from './proposals.ts';
import { Reads } from './reads.ts';
import { requestKind } from './request-kind.ts';
import type { RunningGroupParts } from './running-group-parts.ts';

/** A running group, as far as commands and reads need it. */
export interface CalledGroup {
  readonly leader: Leader;
  /** Of the log, in milliseconds: what is stamped on an entry that is proposed now. */
  readonly time: number;
  /** Up to where the machine shows the log. */
  readonly shown: number;
  propose(data: Uint8Array): Proposed;
  /** Asks the leader from which index on a read is linearizable. */
  readIndex(context: Uint8Array): void;
}

/** Those who wait for commands or reads. What they need is made with the first: most of many groups have none. */
export class Callers<R> {
  readonly #group: CalledGroup;
  readonly #parts: RunningGroupParts<R>;
  #dispatch: Dispatch<R> | undefined;
  #reads: Reads | undefined;

  constructor(group: CalledGroup, parts: RunningGroupParts<R>) {
    this.#group = group;
    this.#parts = parts;
  }

  /** Where commands go. */
  get dispatch(): Dispatch<R> {
    return (this.#dispatch ??= this.#openDispatch());
  }

  /** What reads wait for. */
  get reads(): Reads {
    return (this.#reads ??= this.#openReads());
  }

  get hasCommands(): boolean {
    return this.#dispatch?.isEmpty === false;
  }

  get isEmpty(): boolean {
    return !this.hasCommands && this.#reads?.isEmpty !== false;
  }

  /** Whether any command waits for all voters. */
  get waitsForAll(): boolean {
    return this.#dispatch?.proposals.waitsForAll === true;
  }

  /** Bytes of commands that this leader has taken and not applied yet. */
  get pendingBytes(): number {
    return this.#dispatch?.proposals.bytes ?? 0;
  }

  get waitingReads(): number {
    return this.#reads?.waiting ?? 0;
  }

  /** The turn is over. */
  flush(): void {
    this.#dispatch?.flush();
    this.#reads?.flush();
  }

  tick(): void {
    this.#dispatch?.tick();
    this.#reads?.tick();
  }

  /** Another leads, or nobody. */
  leaderChanged(): void {
    this.#dispatch?.leaderChanged();
    this.#reads?.askAgain();
  }

  /** All up to this index is committed, and about to be applied. */
  committed(index: number): void {
    this.#dispatch?.proposals.committed(index);
  }

  /** The entry at this index, of this term, is applied, with these outcomes of its commands. */
  applied(index: number, term: number, outcomes: readonly CommandOutcome<R>[]): void {
    this.#dispatch?.applied(index, term, outcomes);
  }

  /** A snapshot has stepped over everything up to this index. */
  steppedOver(index: number): void {
    this.#dispatch?.proposals.steppedOver(index);
  }

  /** The machine shows the log up to this index. */
  shows(index: number): void {
    this.#reads?.applied(index);
  }

  readable(states: readonly ReadState[]): void {
    this.#reads?.readable(states);
  }

  failAll(error: ClusterError): void {
    this.#dispatch?.failAll(error);
    this.#reads?.failAll(error);
  }

  #openDispatch(): Dispatch<R> {
    const { host, id, codec, owner } = this.#parts;
    return new Dispatch<R>({
      clock: host.context.clock,
      codec,
      instruments: owner.instruments,
      maxBytes: MAX_PENDING_BYTES,
      headroom: ENTRY_HEADROOM,
      time: () => this.#group.time,
      leader: () => this.#group.leader,
      propose: (data) => this.#group.propose(data),
      forward: (to, commands) =>
        host.request(to, id, requestKind.FORWARD, encodeForwarded(commands), {
          timeoutMs: commands.timeoutMs,
          signal: owner.closing,
        }),
      gather: () => host.gather(owner),
    });
  }

  #openReads(): Reads {
    const { host, settings, owner } = this.#parts;
    const { clock, random } = host.context;
    const reads = new Reads({
      clock,
      random,
      instruments: owner.instruments,
      askAgainMs: settings.timings.electionMs,
      ask: (context) => this.#group.readIndex(context),
    });
    reads.applied(this.#group.shown);
    return reads;
  }
}
