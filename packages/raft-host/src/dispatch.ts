import { type Clock, ClusterError, type NodeId } from '@quorate/core';
import type { OutcomeCodec } from './commands/outcome-codec.ts';
import type { CommandOutcome } from './commands/command-outcome.ts';
import { type ForwardedCommands, Forwarding } from './forwarding.ts';
import { type Proposal, type ProposalInstruments, type Proposed, Proposals } from './proposals.ts';

/** Where commands go now: this node leads and takes them, another does, or nobody is known to. */
export type Leader = 'self' | { readonly nodeId: NodeId } | undefined;

const MAX_PARKED = 65_536;

/**
 * Sends each command where it belongs: into the own log, to the leader, or, while nobody leads, into a queue that waits for
 * one. Commands that were given together stay together.
 */
export class Dispatch<R> {
  readonly proposals: Proposals<R>;
  readonly #clock: Clock;
  readonly #leader: () => Leader;
  readonly #propose: (data: Uint8Array) => Proposed;
  readonly #forwarding: Forwarding<R>;
  /** Has `flush` called when this turn is over. */
  readonly #gather: () => void;
  #parked: (readonly Proposal<R>[])[] = [];
  #parkedCount = 0;

  constructor(parts: {
    readonly clock: Clock;
    readonly codec: OutcomeCodec<R>;
    readonly instruments: ProposalInstruments;
    readonly maxBytes: number;
    readonly headroom: number;
    readonly time: () => number;
    readonly leader: () => Leader;
    readonly propose: (data: Uint8Array) => Proposed;
    readonly forward: (to: NodeId, commands: ForwardedCommands) => Promise<Uint8Array>;
    readonly gather: () => void;
  }) {
    const { clock, codec } = parts;
    this.#clock = clock;
    this.#leader = parts.leader;
    this.#propose = parts.propose;
    this.#gather = parts.gather;
    this.proposals = new Proposals(parts);
    this.#forwarding = new Forwarding({
      codec,
      now: () => clock.now(),
      send: parts.forward,
      // Not at once: whoever answered so would be asked again and again until it knows better.
      retry: (proposals) => this.#park(proposals),
    });
  }

  get isEmpty(): boolean {
    return this.proposals.isEmpty && this.#parkedCount === 0 && this.#forwarding.isEmpty;
  }

  submit(together: readonly Proposal<R>[]): void {
    const leader = this.#leader();
    if (leader === undefined) {
      this.#park(together);
      return;
    }
    if (leader === 'self') this.proposals.gather(together);
    else this.#forwarding.gather(together);
    this.#gather();
  }

  /** The turn is over. */
  flush(): void {
    const leader = this.#leader();
    const homeless = this.proposals.flush(this.#propose);
    if (homeless.length > 0) this.#park(homeless);
    if (leader === undefined || leader === 'self')
      for (const together of this.#forwarding.takeBack()) this.submit(together);
    else this.#forwarding.flush(leader.nodeId);
  }

  /** Another leads, or nobody. */
  leaderChanged(): void {
    this.proposals.lostLeadership();
    this.#unpark();
  }

  applied(index: number, term: number, outcomes: readonly CommandOutcome<R>[]): void {
    this.proposals.applied(index, term, outcomes);
  }

  tick(): void {
    this.proposals.tick();
    this.#unpark();
  }

  failAll(error: ClusterError): void {
    this.proposals.failAll(error);
    const parked = [...this.#parked, ...this.#forwarding.takeBack()];
    this.#parked = [];
    this.#parkedCount = 0;
    const { code, message, leader } = error;
    const notApplied = new ClusterError(code, message, { cause: error, leader, outcome: 'not-applied' });
    for (const proposal of parked.flat()) proposal.reject(notApplied);
  }

  #park(together: readonly Proposal<R>[]): void {
    if (this.#parkedCount < MAX_PARKED) {
      this.#parked.push(together);
      this.#parkedCount += together.length;
      return;
    }
    const error = new ClusterError('OVERLOADED', `${MAX_PARKED} commands wait for a leader already`, {
      outcome: 'not-applied',
    });
    for (const proposal of together) proposal.reject(error);
  }

  #unpark(): void {
    if (this.#parkedCount === 0) return;
    this.#dropLate();
    if (this.#leader() === undefined) return;
    const parked = this.#parked;
    this.#parked = [];
    this.#parkedCount = 0;
    for (const together of parked) this.submit(together);
  }

  /** Those of one caller have one deadline; but what was refused together may be of many callers. */
  #dropLate(): void {
    const now = this.#clock.now();
    const isLate = ({ deadline }: Proposal<R>) => deadline <= now;
    const late = this.#parked.flat().filter(isLate);
    if (late.length === 0) return;
    this.#parkedCount -= late.length;
    this.#parked = this.#parked
      .map((together) => together.filter((proposal) => !isLate(proposal)))
      .filter(({ length }) => length > 0);
    const error = new ClusterError('QUORUM_LOST', 'no leader was found in time', { outcome: 'not-applied' });
    for (const proposal of late) proposal.reject(error);
  }
}
