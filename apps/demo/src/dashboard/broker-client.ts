import { setTimeout as sleep } from 'node:timers/promises';

import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

const PUBLISHED = Type.Object({ messages: Type.Array(Type.Object({ sequence: Type.Number() }), { minItems: 1 }) });
const RECEIVED = Type.Object({
  deliveries: Type.Array(Type.Object({ receipt: Type.String(), id: Type.String(), attempt: Type.Number() })),
});
const SETTLED = Type.Object({ settled: Type.Array(Type.String(), { minItems: 1 }) });
/** A node that doesn't answer in that time beyond what it was asked to wait is left for the next one. */
const PATIENCE_MS = 3000;
const PAUSE_MS = 200;

interface Node {
  readonly id: string;
  readonly url: string;
}

export interface BrokerClientOptions {
  /** Those that may answer first. Asked at each request. */
  readonly nodes: () => readonly Node[];
  /** For nodes that ask who comes. */
  readonly bearerToken?: string;
}

/** What the dashboard needs of the broker's HTTP API; any node will do, and the next where one doesn't answer. */
export class BrokerClient {
  readonly #options: BrokerClientOptions;
  /** The id of who answered last. */
  #preferred: string | undefined;

  constructor(options: BrokerClientOptions) {
    this.#options = options;
  }

  /** `create` is called where the queue isn't there. */
  async publish(
    queue: string,
    body: object,
    create: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly node: string; readonly sequence: number }> {
    for (;;) {
      const { status, node, answer } = await this.#ask(
        'POST',
        `/v1/queues/${queue}/messages`,
        body,
        PATIENCE_MS,
        signal,
      );
      if (status === 404) await create();
      else return { node: node.id, sequence: expect(PUBLISHED, answer).messages[0]?.sequence ?? 0 };
    }
  }

  async createQueue(queue: string, options: object, signal: AbortSignal): Promise<void> {
    await this.#ask('PUT', `/v1/queues/${queue}`, { options }, PATIENCE_MS, signal);
  }

  async receive(
    queue: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Static<typeof RECEIVED> & { readonly node: string }> {
    const path = `/v1/queues/${queue}/receive`;
    const { node, answer } = await this.#ask(
      'POST',
      path,
      { consumer: 'dashboard', max: 10, waitMs },
      waitMs + PATIENCE_MS,
      signal,
    );
    return { node: node.id, deliveries: expect(RECEIVED, answer).deliveries };
  }

  /** Of one receipt. False where its delivery was over before. */
  async settle(queue: string, how: 'acknowledge' | 'reject', body: object, signal: AbortSignal): Promise<boolean> {
    const { answer } = await this.#ask('POST', `/v1/queues/${queue}/${how}`, body, PATIENCE_MS, signal);
    return expect(SETTLED, answer).settled[0] === 'done';
  }

  /** Again at the next node until one says yes or no: ids and receipts make that safe. */
  async #ask(method: string, path: string, body: object, patienceMs: number, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      const node = this.#choose(attempt);
      const answer = node === undefined ? undefined : await this.#askOne(node, method, path, body, patienceMs, signal);
      if (answer !== undefined) {
        this.#preferred = answer.node.id;
        return answer;
      }
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }

  #choose(attempt: number): Node | undefined {
    const nodes = this.#options.nodes();
    const preferred = nodes.findIndex(({ id }) => id === this.#preferred);
    return nodes[(Math.max(0, preferred) + attempt) % nodes.length];
  }

  /** Undefined where it said neither yes nor no. */
  async #askOne(
    node: Node,
    method: string,
    path: string,
    body: object,
    patienceMs: number,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const { bearerToken } = this.#options;
    const headers = {
      'content-type': 'application/json',
      ...(bearerToken && { authorization: `Bearer ${bearerToken}` }),
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    try {
      const response = await fetch(node.url + path, { method, headers, body: JSON.stringify(body), signal: limit });
      const answer: unknown = await response.json().catch(() => undefined);
      const { status } = response;
      return status === 429 || status >= 500 ? undefined : { status, node, answer };
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly node: Node;
  readonly answer: unknown;
}

function expect<Schema extends TSchema>(schema: Schema, answer: unknown): Static<Schema> {
  if (!Value.Check(schema, answer)) throw new Error(`the node said ${JSON.stringify(answer)?.slice(0, 200)}`);
  return answer;
}
