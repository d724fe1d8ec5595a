import { setTimeout as delay } from 'node:timers/promises';
import { isClusterError, type Replicator } from '@quorate/core';
import type { Command, Result } from '../broker/commands.ts';
import type { Answer, Query } from '../broker/queries.ts';
import { Problem, problemOf, refusal } from './problem.ts';

export type BrokerReplicator = Replicator<Command, Result, Query, Answer>;

/** Within which a request is done, elections in between included. */
const REQUEST_MS = 5_000;
const RETRY_MS = 50;

type ResultOf<T extends Result['type']> = Extract<Result, { type: T }>;
type AnswerTo<T extends Query['type']> = Extract<Answer, { type: T }>;

/** The broker of the cluster, as this node's clients reach it: whoever leads. */
export class Broker {
  readonly #replicator: BrokerReplicator;

  constructor(replicator: BrokerReplicator) {
    this.#replicator = replicator;
  }

  /**
   * Has a command committed and applied. It is tried again only after what has certainly not applied it.
   * @throws Problem what the broker refuses, or why it isn't known to have taken it
   */
  async run<T extends Exclude<Result['type'], 'refused'>>(command: Command, expected: T): Promise<ResultOf<T>> {
    const deadline = performance.now() + REQUEST_MS;
    for (;;) {
      const timeoutMs = Math.max(1, Math.ceil(deadline - performance.now()));
      try {
        return checked(await this.#replicator.replicate(command, { timeoutMs }), expected);
      } catch (error) {
        if (!isRepeatable(error) || performance.now() + RETRY_MS >= deadline) throw ofWrite(error);
      }
      await delay(RETRY_MS);
    }
  }

  /**
   * What is so now, whichever node is asked.
   * @throws Problem
   */
  async ask<T extends Query['type']>(query: Extract<Query, { type: T }>): Promise<AnswerTo<T>> {
    try {
      const answer = await this.#replicator.read(query, { consistency: 'linearizable', timeoutMs: REQUEST_MS });
      return answer as AnswerTo<T>;
    } catch (error) {
      throw problemOf(error);
    }
  }

  /** Resolves when this node's copy has what was written through it; to false when that takes too long. */
  async caughtUp(queue: string): Promise<boolean> {
    return await this.#replicator
      .read({ type: 'queue', queue }, { consistency: 'session', timeoutMs: REQUEST_MS })
      .then(
        () => true,
        () => false,
      );
  }
}

/** With an outcome in any case: where nothing says that nothing was done, nobody knows. */
function ofWrite(error: unknown): Problem {
  const problem = problemOf(error);
  return problem.outcome === undefined ? problem.afterWrite() : problem;
}

/** Nothing was done, and another moment or another leader may do it. */
function isRepeatable(error: unknown): boolean {
  if (!isClusterError(error) || error.outcome !== 'not-applied') return false;
  return error.code === 'NOT_LEADER' || error.code === 'QUORUM_LOST' || error.code === 'DISCONNECTED';
}

function checked<T extends Result['type']>(result: Result, expected: T): ResultOf<T> {
  if (result.type === expected) return result as ResultOf<T>;
  if (result.type === 'refused') throw refusal(result);
  throw new Problem('INTERNAL', `the broker has answered with ${result.type}`, { outcome: 'unknown' });
}
