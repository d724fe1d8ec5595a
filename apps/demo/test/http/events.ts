import { request } from 'node:http';
import type { Said } from './said.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: Said;
}

/** A client of server-sent events, over a connection of its own. */
export class EventClient {
  readonly events: ServerEvent[] = [];
  readonly headers: Promise<Record<string, unknown>>;
  readonly ended: Promise<void>;
  readonly #request: ReturnType<typeof request>;
  #waiting: (() => void)[] = [];

  constructor(url: string) {
    const opened = Promise.withResolvers<Record<string, unknown>>();
    const over = Promise.withResolvers<void>();
    this.headers = opened.promise;
    this.ended = over.promise;
    this.#request = request(url, { agent: false }, (response) => {
      opened.resolve({ ...response.headers, status: response.statusCode });
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
        for (const wake of this.#waiting.splice(0)) wake();
      });
      response.on('error', () => undefined);
      response.on('close', () => over.resolve());
    });
    this.#request.on('error', (error) => {
      opened.reject(error);
      over.resolve();
    });
    this.#request.end();
  }

  /** Those of this kind, once there are so many. */
  async first(count: number, event: string): Promise<readonly ServerEvent[]> {
    for (;;) {
      const found = this.events.filter((each) => each.event === event);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** As if its process were gone. */
  drop(): void {
    this.#request.destroy();
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^[^:]*: ?/u, '')]));
    const event = fields.get('event');
    if (event !== undefined) this.events.push({ event, data: JSON.parse(fields.get('data') ?? 'null') as Said });
  }
}
