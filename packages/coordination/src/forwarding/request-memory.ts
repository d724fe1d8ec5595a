import { type CallOptions, checkOptions, type OptionRules, rule } from '@quorate/core';

/** A request as its leader sees it. */
export interface RequestMark {
  readonly id: string;
  /** Of the leader that does it. */
  readonly token: bigint;
  /** The token under which an earlier attempt was sent whose fate is not known; 0 for none. */
  readonly doubt: bigint;
}

/** What is known of a request when it comes. */
export type Remembered =
  /** It was not begun before: it is the caller's to do. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'answered'; readonly answer: Uint8Array }
  /** An earlier leader has begun it, and may tell its answer yet: to be asked again, for a while. */
  | { readonly kind: 'under-way' }
  /** It was begun before, or may have been, and nobody knows how far it came. */
  | { readonly kind: 'unknown' };

/** Remembers which requests were begun, and what was answered, so that one that is repeated is not done again. */
export interface RequestMemory {
  /** Called once the request is not under way on this node. Where it rejects, nothing is done. */
  begin(mark: RequestMark, options?: CallOptions): Promise<Remembered>;
  answer(mark: RequestMark, answer: Uint8Array, options?: CallOptions): Promise<void>;
  /** It was begun under this mark and not done, and will not be: whoever leads next may begin it. */
  withdraw?(mark: RequestMark, options?: CallOptions): Promise<void>;
}

/** What a memory for one term is told. */
export interface TermMemoryOptions {
  /**
   * The most requests that are remembered; the oldest are forgotten.
   * @default 1000
   */
  readonly maxRequests?: number;
}

const rules: OptionRules<TermMemoryOptions> = { maxRequests: rule.integer({ min: 1, max: 1_000_000 }) };

/**
 * Remembers for as long as one leader leads. What is repeated at the next one has an unknown outcome.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function termMemory(options: TermMemoryOptions = {}): RequestMemory {
  const { maxRequests = 1000 } = checkOptions('termMemory', rules, options);
  return new TermMemory(maxRequests);
}

class TermMemory implements RequestMemory {
  readonly #maxRequests: number;
  #token = -1n;
  /** In the order in which they were begun; undefined until it was answered. */
  #answers = new Map<string, Uint8Array | undefined>();
  /** Of this term some were forgotten: who isn't known may have been. */
  #hasForgotten = false;

  constructor(maxRequests: number) {
    this.#maxRequests = maxRequests;
  }

  async begin({ id, token, doubt }: RequestMark): Promise<Remembered> {
    if (token !== this.#token) this.#beginTerm(token);
    if (this.#answers.has(id)) {
      const answer = this.#answers.get(id);
      return answer === undefined ? { kind: 'unknown' } : { kind: 'answered', answer };
    }
    if (doubt !== 0n && (doubt !== token || this.#hasForgotten)) return { kind: 'unknown' };
    this.#answers.set(id, undefined);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#maxRequests && oldest !== undefined) {
      this.#answers.delete(oldest);
      this.#hasForgotten = true;
    }
    return { kind: 'begun' };
  }

  async answer({ id, token }: RequestMark, answer: Uint8Array): Promise<void> {
    if (token === this.#token && this.#answers.has(id)) this.#answers.set(id, answer);
  }

  #beginTerm(token: bigint): void {
    this.#token = token;
    this.#answers = new Map();
    this.#hasForgotten = false;
  }
}
