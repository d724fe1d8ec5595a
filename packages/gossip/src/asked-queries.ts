import { type Channel, ClusterError, createChannel, type NodeId, type Timer } from '@quorate/core';
import { decodeValue } from './gossip-value.ts';
import type { QueryAnswer } from './gossip.ts';
import type { Ground } from './ground.ts';
import type { AnswerNews, Mark } from './news.ts';
import type { QuerySettings } from './options.ts';

interface OpenQuery {
  readonly settings: QuerySettings;
  readonly answers: Channel<QueryAnswer>;
  readonly timer: Timer;
  /** At most as many as answers are wanted. */
  readonly answered: Set<NodeId>;
  bytes: number;
}

/** What this node has asked, and waits to be answered. */
export class AskedQueries implements Disposable {
  readonly #ground: Ground;
  readonly #maxQueries: number;
  readonly #session: number;
  /** By sequence. */
  readonly #open = new Map<number, OpenQuery>();

  constructor(ground: Ground, session: number, maxQueries: number) {
    this.#ground = ground;
    this.#session = session;
    this.#maxQueries = maxQueries;
  }

  /** How many wait for answers. */
  get size(): number {
    return this.#open.size;
  }

  /** @throws ClusterError `OVERLOADED` */
  checkRoom(): void {
    if (this.#open.size < this.#maxQueries) return;
    throw new ClusterError('OVERLOADED', `query: ${this.#maxQueries} are under way`, { outcome: 'not-applied' });
  }

  open(sequence: number, settings: QuerySettings): AsyncIterable<QueryAnswer> {
    const { maxAnswers, signal, timeoutMs } = settings;
    const answers = createChannel<QueryAnswer>({
      capacity: maxAnswers,
      signal,
      onClose: () => {
        this.#open.get(sequence)?.timer.cancel();
        this.#open.delete(sequence);
      },
    });
    if (signal?.aborted === true) return answers;
    const timer = this.#ground.clock.setTimer(timeoutMs, () => answers.close());
    this.#open.set(sequence, { settings, answers, timer, answered: new Set(), bytes: 0 });
    return answers;
  }

  /** Whether somebody waits for answers to it. */
  isOpen({ origin, session, sequence }: Mark): boolean {
    return origin === this.#ground.selfId && session === this.#session && this.#open.has(sequence);
  }

  /** Ends one that could not be asked. */
  fail(sequence: number, error: ClusterError): void {
    this.#open.get(sequence)?.answers.close(error);
  }

  receive({ mark, from, isFailure, payload }: AnswerNews): void {
    const query = this.isOpen(mark) ? this.#open.get(mark.sequence) : undefined;
    if (query === undefined || query.answered.has(from)) return;
    query.bytes += payload.byteLength;
    const { maxBytes, maxAnswers, filter } = query.settings;
    if (query.bytes > maxBytes) {
      query.answers.close(new ClusterError('OVERLOADED', `query: the answers have more than ${maxBytes} bytes`));
      return;
    }
    query.answered.add(from);
    const value = decodeValue(payload);
    if (isFailure) query.answers.push({ type: 'failed', from, error: new ClusterError('REMOTE', textOf(value)) });
    else if (value !== undefined) query.answers.push({ type: 'answer', from, value });
    const isComplete = filter.nodes?.every((id) => query.answered.has(id)) ?? false;
    if (isComplete || query.answered.size >= maxAnswers) query.answers.close();
  }

  [Symbol.dispose](): void {
    for (const { answers } of this.#open.values()) answers.close();
  }
}

function textOf(reason: unknown): string {
  return typeof reason === 'string' ? reason : 'no reason was given';
}
