import { durationBuckets, type Histogram, type Telemetry } from './telemetry.ts';

const held = { name: 'quorate.locks.held', unit: '{lock}', description: 'Locks that this node holds' };
const waiting = {
  name: 'quorate.locks.waiting',
  unit: '{lock}',
  description: 'Locks that this node asks or waits for',
};
const wait = {
  name: 'quorate.locks.wait.duration',
  unit: 's',
  description: 'From asking for a lock until it was taken, or was not',
  buckets: durationBuckets,
};

/** What is measured of a node's locks. */
export class LockInstruments implements Disposable {
  readonly taken: Histogram;
  readonly refused: Histogram;
  readonly #observed: readonly Disposable[];

  constructor(telemetry: Telemetry, observe: () => { readonly held: number; readonly waiting: number }) {
    this.taken = telemetry.histogram(wait, { 'quorate.outcome': 'taken' });
    this.refused = telemetry.histogram(wait, { 'quorate.outcome': 'refused' });
    this.#observed = [
      telemetry.gauge(held, (tell) => tell(observe().held)),
      telemetry.gauge(waiting, (tell) => tell(observe().waiting)),
    ];
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}
