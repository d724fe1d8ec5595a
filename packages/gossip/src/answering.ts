import { ClusterError, gossipTopic, MAX_RUMOUR_BYTES, messageKind, sleep, withDeadline } from '@quorate/core';
import { decodeValue, encodeValue, type GossipValue } from './gossip-value.ts';
import type { QueryHandler } from './gossip.ts';
import type { Ground } from './ground.ts';
import { register } from './broadcasts.ts';
import { MAX_ANSWER_BYTES } from './limits.ts';
import { type AnswerNews, encodeNews, type Mark, type QueryNews } from './news.ts';
import { matches } from './query-filter.ts';
import { messageOf } from './direct-message.ts';

/** When an answer in a datagram is told, and told again, as long as nobody has said that it came. */
const TELL_AFTER_MS = [0, 250, 500, 1_000] as const;
const MAX_TIMEOUT_MS = 3_600_000;
const MAX_REASON_LENGTH = 120;

/** What others ask, and this node answers. */
export class Answering {
  readonly #ground: Ground;
  readonly #maxAnswering: number;
  /** Takes the answer to a query of this node's own. */
  readonly #toSelf: (answer: AnswerNews) => void;
  readonly #handlers = new Map<string, QueryHandler>();
  #answering = 0;
  #refusing = 0;
  /** Of answers in datagrams whose receipt is waited for: bounded by what is answered at one time. */
  readonly #untaken = new Map<string, AbortController>();

  constructor(ground: Ground, maxAnswering: number, toSelf: (answer: AnswerNews) => void) {
    this.#ground = ground;
    this.#maxAnswering = maxAnswering;
    this.#toSelf = toSelf;
  }

  on(name: string, handler: QueryHandler): Disposable {
    return register('onQuery', this.#handlers, name, handler);
  }

  receive(query: QueryNews): void {
    const handler = this.#handlers.get(query.name);
    const { cluster, system } = this.#ground;
    if (handler === undefined || !matches(cluster.self, query.filter)) return;
    // In a later turn, so that the membership is not called by a handler.
    system.clock.defer(() => void this.#answer(query, handler));
  }

  /** What was answered in a datagram has come. */
  taken(mark: Mark): void {
    this.#untaken.get(keyOf(mark))?.abort();
  }

  async #answer(query: QueryNews, handler: QueryHandler): Promise<void> {
    const { signal, clock } = this.#ground;
    const isBusy = this.#answering >= this.#maxAnswering;
    if (isBusy) this.#ground.warn('busy', `${this.#maxAnswering} queries are being answered; others are refused`);
    // To refuse takes time too, as long as who asked doesn't take it.
    if (isBusy && this.#refusing >= this.#maxAnswering) return;
    const timeoutMs = Math.max(1, Math.min(query.timeoutMs, MAX_TIMEOUT_MS));
    this.#count(isBusy, 1);
    try {
      await withDeadline(
        clock,
        timeoutMs,
        `query ${query.name}`,
        async (inner) => {
          const answer = isBusy ? this.#failure(query, 'busy') : await this.#ask(query, handler, inner);
          if (answer !== undefined && !inner.aborted) await this.#send(answer, isBusy, inner);
        },
        { signal },
      );
    } catch (error) {
      if (!signal.aborted) this.#ground.logger.debug(`gossip: query ${query.name}: ${String(error)}`);
    } finally {
      this.#count(isBusy, -1);
    }
  }

  #count(isBusy: boolean, change: 1 | -1): void {
    if (isBusy) this.#refusing += change;
    else this.#answering += change;
  }

  async #ask(query: QueryNews, handler: QueryHandler, signal: AbortSignal): Promise<AnswerNews | undefined> {
    const { mark, time, name } = query;
    try {
      const payload = decodeValue(query.payload);
      if (payload === undefined) return undefined;
      const value = await handler(payload, { from: mark.origin, time, signal });
      return value === undefined ? undefined : this.#success(query, value);
    } catch (error) {
      this.#ground.warn('handler', `the handler of ${name} failed`, error);
      return this.#failure(query, error instanceof Error ? error.message : String(error));
    }
  }

  #success(query: QueryNews, value: GossipValue): AnswerNews {
    const payload = encodeValue(`query ${query.name}`, 'answer', value);
    if (payload.byteLength > MAX_ANSWER_BYTES) {
      throw new ClusterError('OVERLOADED', `an answer has ${payload.byteLength} bytes, of ${MAX_ANSWER_BYTES}`);
    }
    return { type: 'answer', mark: query.mark, from: this.#ground.selfId, isFailure: false, payload };
  }

  #failure({ mark }: QueryNews, reason: string): AnswerNews {
    const payload = encodeValue('query', 'reason', reason.slice(0, MAX_REASON_LENGTH));
    return { type: 'answer', mark, from: this.#ground.selfId, isFailure: true, payload };
  }

  /** Over a connection where there is one, else in datagrams: to connect for an answer would cost more than all of it. */
  async #send(answer: AnswerNews, once: boolean, signal: AbortSignal): Promise<void> {
    const { origin } = answer.mark;
    const { selfId, transport } = this.#ground;
    if (origin === selfId) {
      this.#toSelf(answer);
      return;
    }
    if (transport.peer(origin)?.state === 'connected') {
      try {
        await transport.request(origin, messageKind.SHARED_STATE, messageOf('news', encodeNews(answer)), { signal });
        return;
      } catch (error) {
        if (signal.aborted) throw error;
      }
    }
    await this.#tell(answer, once, signal);
  }

  async #tell(answer: AnswerNews, once: boolean, signal: AbortSignal): Promise<void> {
    const { carrier, clock } = this.#ground;
    let bytes = encodeNews(answer);
    if (bytes.byteLength > MAX_RUMOUR_BYTES) {
      const reason = `an answer of ${bytes.byteLength} bytes, and no connection`;
      bytes = encodeNews({ ...answer, isFailure: true, payload: encodeValue('query', 'reason', reason) });
    }
    const taken = new AbortController();
    const key = keyOf(answer.mark);
    this.#untaken.set(key, taken);
    try {
      for (const delayMs of once ? [0] : TELL_AFTER_MS) {
        await sleep(clock, delayMs, { signal: taken.signal }).catch(() => undefined);
        if (taken.signal.aborted || signal.aborted) return;
        carrier.tell(answer.mark.origin, gossipTopic.SHARED_STATE, bytes);
      }
    } finally {
      this.#untaken.delete(key);
    }
  }
}

function keyOf({ origin, session, sequence }: Mark): string {
  return `${origin}/${session}/${sequence}`;
}
