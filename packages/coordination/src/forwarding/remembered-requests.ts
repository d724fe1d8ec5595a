import { type CallOptions, ClusterError, isClusterError } from '@quorate/core';
import type { CoordinationResult } from '../replicated/coordination-codec.ts';
import type { CoordinationReplicator } from '../slots/replicated-claims.ts';
import { MAX_ANSWER_LENGTH } from '../replicated/request-table.ts';
import type { Remembered, RequestMark, RequestMemory } from './request-memory.ts';

const COMMAND_MS = 5000;
/** The most requests of which this node knows that it has begun them. */
const MAX_BEGUN = 10_000;

/**
 * Remembers for all leaders to come, in the state machine of `coordinationMachine`: for ten minutes, up to 10,000
 * requests. Two commands are replicated for each request.
 */
export function rememberedRequests(replicator: CoordinationReplicator): RequestMemory {
  return new ReplicatedMemory(replicator);
}

class ReplicatedMemory implements RequestMemory {
  readonly #replicator: CoordinationReplicator;
  /** Begun on this node, and their tokens: one that has no answer is not to be begun again. */
  readonly #begun = new Map<string, bigint>();

  constructor(replicator: CoordinationReplicator) {
    this.#replicator = replicator;
  }

  async begin(mark: RequestMark, options: CallOptions = {}): Promise<Remembered> {
    const { id, token } = mark;
    const result = await this.#begin(mark, options);
    if (result.kind === 'answered') return { kind: 'answered', answer: decode(result.answer) };
    // The command may be an earlier one of this very request, whose answer was lost.
    const isOwn = result.kind === 'under-way' && result.token === String(token) && this.#begun.get(id) !== token;
    if (result.kind === 'under-way' && result.token !== String(token)) return { kind: 'under-way' };
    if (result.kind !== 'begun' && !isOwn) return { kind: 'unknown' };
    this.#begun.set(id, token);
    const [oldest] = this.#begun.keys();
    if (this.#begun.size > MAX_BEGUN && oldest !== undefined) this.#begun.delete(oldest);
    return { kind: 'begun' };
  }

  async answer({ id, token }: RequestMark, answer: Uint8Array, options: CallOptions = {}): Promise<void> {
    const text = encode(answer);
    if (text.length > MAX_ANSWER_LENGTH) {
      throw new ClusterError('OVERLOADED', `an answer of ${answer.byteLength} bytes is too large to be remembered`);
    }
    const write = { ...options, timeoutMs: COMMAND_MS };
    await this.#replicator.replicate({ do: 'answer', id, token: String(token), answer: text }, write);
  }

  /** Who can't tell whether it is begun will not do it: so it gives it back, unless it has begun it before. */
  async #begin(mark: RequestMark, options: CallOptions): Promise<CoordinationResult> {
    const { id, token } = mark;
    const write = { ...options, timeoutMs: COMMAND_MS };
    try {
      return await this.#replicator.replicate({ do: 'begin', id, token: String(token) }, write);
    } catch (error) {
      const isUnknown = !isClusterError(error) || error.outcome !== 'not-applied';
      // If that fails as well, repetitions have an unknown outcome.
      if (isUnknown && this.#begun.get(id) !== token) await this.withdraw(mark, options).catch(() => undefined);
      throw error;
    }
  }

  async withdraw({ id, token }: RequestMark, options: CallOptions = {}): Promise<void> {
    const write = { ...options, timeoutMs: COMMAND_MS };
    await this.#replicator.replicate({ do: 'withdraw', id, token: String(token) }, write);
    this.#begun.delete(id);
  }
}

function encode(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function decode(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
