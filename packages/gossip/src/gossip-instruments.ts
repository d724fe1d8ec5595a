import { aboutInstruments, type Counter, type Telemetry } from '@quorate/core';
import type { News } from './news.ts';

const about = aboutInstruments('quorate.gossip');

const received = about(
  'received',
  '{item}',
  'What this node has heard from others or itself, repetitions too, by type',
);
const queries = about('queries.pending', '{query}', 'Queries of this node that wait for answers');
const held = about('held', '{item}', 'What waits to be told until this node has met another');

const TYPES: readonly News['type'][] = ['state', 'setting', 'broadcast', 'query', 'answer', 'receipt'];

/** What is measured of gossip. */
export class GossipInstruments implements Disposable {
  readonly #received: ReadonlyMap<News['type'], Counter>;
  readonly #observed: readonly Disposable[];

  constructor(telemetry: Telemetry, observe: () => { readonly queries: number; readonly held: number }) {
    this.#received = new Map(TYPES.map((type) => [type, telemetry.counter(received, { 'quorate.gossip.type': type })]));
    this.#observed = [
      telemetry.gauge(queries, (tell) => tell(observe().queries)),
      telemetry.gauge(held, (tell) => tell(observe().held)),
    ];
  }

  received({ type }: News): void {
    this.#received.get(type)?.add(1);
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}
