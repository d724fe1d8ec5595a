import { checkOptions, ClusterError, invalidOption, type OptionRules, rule } from '@quorate/core';

/** What a fencing guard in memory is told. */
export interface FencingGuardOptions {
  /**
   * The most resources whose tokens are remembered. Further ones are refused with `OVERLOADED`: to forget one would let its
   * former holders in again.
   * @default 10000
   */
  readonly maxResources?: number;
}

/** The longest name of a resource, in bytes of its JSON. */
const MAX_RESOURCE_BYTES = 130;
const MAX_TOKEN = 2n ** 64n - 1n;

const rules: OptionRules<FencingGuardOptions> = { maxResources: rule.integer({ min: 1, max: 1_000_000 }) };

/**
 * What stands before a resource and remembers the highest token it has seen for it: work under a lower one was begun by
 * who has lost its grant since. (Kleppmann, "How to do distributed locking", 2016.)
 */
export interface FencingGuard {
  /**
   * Lets a token pass that is as high as any seen for this resource, and remembers it.
   * @throws ClusterError `STALE_TOKEN`; `OVERLOADED` for one resource too many
   */
  check(resource: string, token: bigint): void;
  /** The highest seen. */
  highest(resource: string): bigint | undefined;
  /** For a resource that is gone for good. */
  forget(resource: string): void;
}

/**
 * A guard that remembers as long as the process lives: for a resource that doesn't outlive it either.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function fencingGuard(options: FencingGuardOptions = {}): FencingGuard {
  const { maxResources = 10_000 } = checkOptions('fencingGuard', rules, options);
  return new TokenMemory(maxResources);
}

export class TokenMemory implements FencingGuard {
  readonly #tokens: Map<string, bigint>;
  readonly #maxResources: number;

  constructor(maxResources: number, tokens: Iterable<readonly [string, bigint]> = []) {
    this.#maxResources = maxResources;
    this.#tokens = new Map(tokens);
  }

  check(resource: string, token: bigint): void {
    checkResource(resource);
    if (!isToken(token)) throw invalidOption('fencing guard', 'token', 'a bigint from 0, of 64 bits', token);
    const highest = this.#tokens.get(resource);
    if (highest === undefined && this.#tokens.size >= this.#maxResources) {
      throw new ClusterError('OVERLOADED', `fencing guard: the tokens of ${this.#maxResources} resources are kept`, {
        outcome: 'not-applied',
      });
    }
    if (highest !== undefined && token < highest) {
      const message = `${resource}: the token ${token} is stale, ${highest} was seen`;
      throw new ClusterError('STALE_TOKEN', message, { outcome: 'not-applied' });
    }
    this.#tokens.set(resource, token);
  }

  highest(resource: string): bigint | undefined {
    return this.#tokens.get(resource);
  }

  forget(resource: string): void {
    this.#tokens.delete(resource);
  }

  entries(): IterableIterator<[string, bigint]> {
    return this.#tokens.entries();
  }
}

export function isToken(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= 0n && value <= MAX_TOKEN;
}

export function isResource(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_RESOURCE_BYTES) return false;
  return new TextEncoder().encode(JSON.stringify(value)).byteLength <= MAX_RESOURCE_BYTES;
}

function checkResource(resource: string): void {
  if (isResource(resource)) return;
  throw invalidOption('fencing guard', 'resource', `a text of 1 to ${MAX_RESOURCE_BYTES} bytes as JSON`, resource);
}
