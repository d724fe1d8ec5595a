import { ClusterError, type RecordStore } from '@quorate/core';
import { type Ballot, isBallot, isBefore, type Proposal } from './ballot.ts';
import { type Answer, isProposal } from './messages.ts';

const RECORD = 'formation';
const FORMAT = 1;

interface AcceptorState {
  readonly promised: Ballot | undefined;
  readonly accepted: Proposal | undefined;
}

/**
 * What this node has promised and accepted (L. Lamport, "Paxos Made Simple" (2001), 2.2): stored before it is said, so that
 * a crash doesn't take it back.
 */
export class Acceptor {
  readonly #records: RecordStore | undefined;
  #state: AcceptorState = { promised: undefined, accepted: undefined };
  /** One after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param records where nothing is durable, undefined: then a node that restarts has forgotten what it promised */
  constructor(records: RecordStore | undefined) {
    this.#records = records;
  }

  /** @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format, `IO` */
  async open(): Promise<void> {
    const bytes = await this.#records?.read(RECORD);
    if (bytes !== undefined) this.#state = decode(bytes);
  }

  /** The highest round that this node knows of; 0 when none. */
  get round(): number {
    return this.#state.promised?.round ?? 0;
  }

  prepare(ballot: Ballot): Promise<Answer> {
    return this.#next(async () => {
      const { promised, accepted } = this.#state;
      if (promised !== undefined && isBefore(ballot, promised)) return { type: 'refused', promised };
      await this.#keep({ promised: ballot, accepted });
      return { type: 'promised', accepted };
    });
  }

  accept(proposal: Proposal): Promise<Answer> {
    return this.#next(async () => {
      const { promised } = this.#state;
      if (promised !== undefined && isBefore(proposal.ballot, promised)) return { type: 'refused', promised };
      await this.#keep({ promised: proposal.ballot, accepted: proposal });
      return { type: 'accepted' };
    });
  }

  #next(act: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(act);
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #keep(state: AcceptorState): Promise<void> {
    await this.#records?.write(RECORD, new TextEncoder().encode(JSON.stringify({ version: FORMAT, ...state })));
    this.#state = state;
  }
}

function decode(bytes: Uint8Array): AcceptorState {
  const { version, promised, accepted } = parse(bytes);
  if (typeof version === 'number' && version > FORMAT) {
    throw new ClusterError('UNSUPPORTED', `the record "${RECORD}" has format ${version}; this release reads ${FORMAT}`);
  }
  if (version !== FORMAT || !isBallot(promised)) throw damaged();
  if (accepted !== undefined && !isProposal(accepted)) throw damaged();
  return { promised, accepted };
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(cause?: unknown): ClusterError {
  const message = `the record "${RECORD}" is damaged: what this node has promised is never guessed`;
  return new ClusterError('CORRUPT', message, { cause });
}
