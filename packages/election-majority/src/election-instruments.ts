import { aboutInstruments, type Counter, type NodeId, type Telemetry } from '@quorate/core';
import type { VoteRecord } from './vote-record.ts';

const about = aboutInstruments('quorate.election');

const term = about('term', '{term}', 'The current term of the election by majority');
const begun = about('begun', '{election}', 'How often this node stood for election: voted for itself in a new term');
const won = about('won', '{election}', 'Elections after which this node led');

/** What is measured of an election on one node. */
export class ElectionInstruments implements Disposable {
  readonly #self: () => NodeId;
  readonly #begun: Counter;
  readonly #won: Counter;
  readonly #term: Disposable;
  /** The last in which this node has voted for itself. */
  #stoodIn = 0;

  constructor(telemetry: Telemetry, self: () => NodeId, record: () => VoteRecord | undefined) {
    this.#self = self;
    this.#begun = telemetry.counter(begun);
    this.#won = telemetry.counter(won);
    this.#term = telemetry.gauge(term, (tell) => tell(record()?.term ?? 0));
  }

  voted({ term: current, votedFor }: VoteRecord): void {
    if (current <= this.#stoodIn || votedFor !== this.#self()) return;
    this.#stoodIn = current;
    this.#begun.add(1);
  }

  won(): void {
    this.#won.add(1);
  }

  [Symbol.dispose](): void {
    this.#term[Symbol.dispose]();
  }
}
