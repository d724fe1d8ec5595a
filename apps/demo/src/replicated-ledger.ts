import { type CoordinationCommand, coordinationMachine, type CoordinationResult } from '@quorate/coordination';
import type {
  Codec,
  CommittedCommand,
  NodeId,
  Replicator,
  RestoreOptions,
  SnapshotSource,
  StateMachine,
} from '@quorate/core';
import type { LedgerVerdict, Ticket } from './ticket-office.ts';

/** A ticket to be numbered, or a slot to be claimed. */
export type LedgerCommand = Ticket | CoordinationCommand;
export type LedgerResult = LedgerVerdict | CoordinationResult;
export type TicketReplicator = Replicator<LedgerCommand, LedgerResult, undefined, number>;

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
export class ReplicatedLedger implements StateMachine<LedgerCommand, LedgerResult, undefined, number> {
  readonly version = 1;
  readonly codec = {
    command: json<LedgerCommand>(),
    result: json<LedgerResult>(),
    query: json<undefined>(),
    answer: json<number>(),
  };
  readonly #onLine: (line: LedgerLine) => void;
  /** Which slots were claimed: a state machine of its own, within this one. */
  readonly #slots = coordinationMachine();
  #state: State = { position: 0, count: 0, highest: 0n };

  /** @param onLine is told of each line, for the show: the copy itself only counts */
  constructor(onLine: (line: LedgerLine) => void = () => undefined) {
    this.#onLine = onLine;
  }

  apply(batch: readonly CommittedCommand<LedgerCommand>[]): readonly LedgerResult[] {
    return batch.map(({ command, ...about }) => {
      if (!('do' in command)) return this.#enter(command);
      const [result] = this.#slots.apply([{ command, ...about }]);
      return result ?? { kind: 'invalid' };
    });
  }

  /** How many tickets were numbered. */
  query(): number {
    return this.#state.count;
  }

  capture(): SnapshotSource {
    const state = json<State>().encode(this.#state);
    const slots = this.#slots.capture();
    const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(state.length);
      yield Buffer.concat([head, state]);
      yield* slots.chunks({});
    };
    return { chunks, release: () => slots.release() };
  }

  async restore(chunks: AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk.slice());
    const bytes = Buffer.concat(parts);
    const end = 4 + bytes.readUInt32BE();
    const state = json<State>().decode(bytes.subarray(4, end));
    const slots = async function* slots(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(end);
    };
    await this.#slots.restore(slots(), options);
    this.#state = state;
  }

  #enter(ticket: Ticket): LedgerVerdict {
    const verdict = this.#judge(ticket);
    const { position, count } = this.#state;
    this.#onLine({ position, ticket, verdict, count });
    return verdict;
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

/** What became of a ticket. */
export function verdictOf(result: LedgerResult): LedgerVerdict {
  if ('kind' in result) throw new Error(`a ticket was answered with ${result.kind}`);
  return result;
}

/** What became of a claim. */
export function slotsOf(result: LedgerResult): CoordinationResult {
  if ('kind' in result) return result;
  throw new Error(`a claim was answered with ${result.type}`);
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
