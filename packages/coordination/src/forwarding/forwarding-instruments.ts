import { aboutInstruments, durationBuckets, type Histogram, type HistogramAbout, type Telemetry } from '@quorate/core';

const about = aboutInstruments('quorate.forwarding');

const asked: HistogramAbout = {
  ...about('request.duration', 's', 'From asking the leader for something until it was done, or given up'),
  buckets: durationBuckets,
};
const served: HistogramAbout = {
  ...about('handler.duration', 's', 'How long a handler of this leader took, by whether it threw'),
  buckets: durationBuckets,
};
const pending = about('requests.pending', '{request}', 'What this node has asked the leader for and was not answered');
const handling = about('handlers.running', '{request}', 'What this leader was asked for and has not done yet');

/** Durations of what went well and of what did not. */
interface Durations {
  readonly done: Histogram;
  readonly failed: Histogram;
}

/** What is measured of forwarding, by the names of handlers, which are the program's own. */
export class ForwardingInstruments implements Disposable {
  readonly #asked: ReadonlyMap<string, Durations>;
  readonly #served: ReadonlyMap<string, Durations>;
  readonly #observed: readonly Disposable[];

  constructor(
    telemetry: Telemetry,
    handlers: Iterable<string>,
    observe: () => { readonly pending: number; readonly running: number },
  ) {
    const names = [...handlers];
    const by = (histogram: HistogramAbout): ReadonlyMap<string, Durations> =>
      new Map(
        names.map((name) => {
          const of = { 'quorate.forwarding.handler': name };
          const done = telemetry.histogram(histogram, { ...of, 'quorate.outcome': 'done' });
          return [name, { done, failed: telemetry.histogram(histogram, { ...of, 'quorate.outcome': 'failed' }) }];
        }),
      );
    this.#asked = by(asked);
    this.#served = by(served);
    this.#observed = [
      telemetry.gauge(pending, (tell) => tell(observe().pending)),
      telemetry.gauge(handling, (tell) => tell(observe().running)),
    ];
  }

  asked(name: string, isDone: boolean, ms: number): void {
    this.#asked.get(name)?.[isDone ? 'done' : 'failed'].record(ms / 1000);
  }

  served(name: string, isDone: boolean, ms: number): void {
    this.#served.get(name)?.[isDone ? 'done' : 'failed'].record(ms / 1000);
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}
