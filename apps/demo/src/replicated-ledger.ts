import type { Codec, CommittedCommand, NodeId, Replicator, SnapshotSource, StateMachine } from '@quorate/core';
import type { LedgerVerdict, Ticket } from './ticket-office.ts';

export type TicketReplicator = Replicator<Ticket, LedgerVerdict, undefined, number>;

/** One line of the ledger, as a copy of it has it. */
export interface LedgerLine {
  /** From 1 on, refused tickets included: the same line has the same one in every copy. */
  readonly position: number;
  readonly ticket: Ticket;
  readonly verdict: LedgerVerdict;
  /** Tickets numbered so far. */
  readonly count: number;
}

interface State {
  position: number;
  count: number;
  /** Of the tokens seen. */
  highest: bigint;
}

/**
 * The ledger as a replicated state machine: a copy on every node, which comes to the same numbers from the same tickets. It
 * fences like the one outside: a leader that was replaced may still send its ticket, and is refused by its token.
 */
export class ReplicatedLedger implements StateMachine<Ticket, LedgerVerdict, undefined, number> {
  readonly version = 1;
  readonly codec = {
    command: json<Ticket>(),
    result: json<LedgerVerdict>(),
    query: json<undefined>(),
    answer: json<number>(),
  };
  readonly #onLine: (line: LedgerLine) => void;
  #state: State = { position: 0, count: 0, highest: 0n };

  /** @param onLine is told of each line, for the show: the copy itself only counts */
  constructor(onLine: (line: LedgerLine) => void = () => undefined) {
    this.#onLine = onLine;
  }

  apply(batch: readonly CommittedCommand<Ticket>[]): readonly LedgerVerdict[] {
    return batch.map(({ command: ticket }) => {
      const verdict = this.#judge(ticket);
      const { position, count } = this.#state;
      this.#onLine({ position, ticket, verdict, count });
      return verdict;
    });
  }

  /** How many tickets were numbered. */
  query(): number {
    return this.#state.count;
  }

  capture(): SnapshotSource {
    const bytes = json<State>().encode(this.#state);
    const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    return { chunks, release: () => undefined };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk.slice());
    this.#state = json<State>().decode(Buffer.concat(parts));
  }

  #judge({ token }: Ticket): LedgerVerdict {
    const state = this.#state;
    state.position += 1;
    if (token < state.highest) return { type: 'refused', highest: state.highest };
    state.highest = token;
    state.count += 1;
    return { type: 'accepted', number: state.count };
  }
}

/** Tokens are bigints, which JSON doesn't know. */
function json<T>(): Codec<T> {
  return {
    encode: (value) =>
      Buffer.from(JSON.stringify(value ?? null, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))),
    decode: (bytes) =>
      JSON.parse(Buffer.from(bytes).toString(), (_, each: unknown) =>
        typeof each === 'string' && /^\d+n$/u.test(each) ? BigInt(each.slice(0, -1)) : each,
      ) as T,
  };
}

/** What a ticket is called in every copy of the ledger: its node numbers those of each grant. */
export function ticketId(node: NodeId, token: bigint, serial: number): string {
  return `${node}-${token}-${serial}`;
}
