/** What is kept of requests that were forwarded, as commands of a state machine. Answers are base64, tokens decimal. */
export type RequestCommand =
  | { readonly do: 'begin'; readonly id: string; readonly token: string }
  | { readonly do: 'answer'; readonly id: string; readonly token: string; readonly answer: string }
  /** By the leader that has begun it, and will not do it. */
  | { readonly do: 'withdraw'; readonly id: string; readonly token: string };

/** What the replicated memory says of a request. */
export type RequestResult =
  /** Nobody has begun it: it is this leader's to do. */
  | { readonly kind: 'begun' }
  /** It was done; this is the answer. */
  | { readonly kind: 'answered'; readonly answer: string }
  /** It was begun under this token and never answered: how far it came, nobody knows. */
  | { readonly kind: 'under-way'; readonly token: string }
  | { readonly kind: 'withdrawn' };

export interface RequestEntry {
  readonly token: string;
  /** By the time of the log. */
  readonly at: number;
  /** Undefined while it is under way. */
  readonly answer: string | undefined;
}

/** Part of the replicated state, so they are no options. */
const MAX_REQUESTS = 10_000;
const REMEMBER_MS = 10 * 60_000;
/** Of an answer, in characters of base64. */
export const MAX_ANSWER_LENGTH: number = 64 * 1024;
/** Of all answers. */
const MAX_ANSWERS_LENGTH = 32 * 1024 * 1024;

/**
 * Requests by id, each begun once. The oldest are forgotten after ten minutes of the log's time, or earlier where there
 * are too many.
 */
export class RequestTable {
  /** In the order in which they were begun. */
  readonly #entries: Map<string, RequestEntry>;
  /** The characters of all answers. */
  #length = 0;

  constructor(entries: Iterable<readonly [string, RequestEntry]> = []) {
    this.#entries = new Map(entries);
    for (const { answer = '' } of this.#entries.values()) this.#length += answer.length;
  }

  entries(): readonly (readonly [string, RequestEntry])[] {
    return [...this.#entries];
  }

  apply(command: RequestCommand, time: number): RequestResult {
    this.#forget((entry) => time - entry.at > REMEMBER_MS);
    const known = this.#entries.get(command.id);
    if (command.do === 'answer') return this.#answer(command.id, command.answer, command.token, known);
    if (command.do === 'withdraw') return this.#withdraw(command.id, command.token, known);
    if (known?.answer !== undefined) return { kind: 'answered', answer: known.answer };
    if (known !== undefined) return { kind: 'under-way', token: known.token };
    this.#entries.set(command.id, { token: command.token, at: time, answer: undefined });
    this.#forget(() => this.#entries.size > MAX_REQUESTS);
    return { kind: 'begun' };
  }

  #answer(id: string, answer: string, token: string, known: RequestEntry | undefined): RequestResult {
    if (known?.token === token && known.answer === undefined) {
      this.#entries.set(id, { ...known, answer });
      this.#length += answer.length;
      this.#forget(() => this.#length > MAX_ANSWERS_LENGTH);
    }
    return { kind: 'answered', answer };
  }

  #withdraw(id: string, token: string, known: RequestEntry | undefined): RequestResult {
    if (known?.token === token && known.answer === undefined) this.#entries.delete(id);
    return { kind: 'withdrawn' };
  }

  /** From the oldest on, as long as they are to be forgotten. */
  #forget(isOver: (entry: RequestEntry) => boolean): void {
    for (const [id, entry] of this.#entries) {
      if (!isOver(entry)) return;
      this.#entries.delete(id);
      this.#length -= entry.answer?.length ?? 0;
    }
  }
}
