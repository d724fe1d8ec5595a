/** What was measured is that of the last so many milliseconds. */
const WINDOW_MS = 1_000;
/** Beyond it the oldest are forgotten. */
const MAX_KEPT = 20_000;

interface Sample {
  readonly at: number;
  readonly count: number;
  readonly tookMs: number;
}

export interface MeterReading {
  readonly count: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** Counts what happened in the last second, and how long it took. */
export class Meter {
  readonly #now: () => number;
  #samples: Sample[] = [];

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param count of messages, say, which took this long together */
  record(count: number, tookMs: number): void {
    this.#samples.push({ at: this.#now(), count, tookMs });
    if (this.#samples.length > MAX_KEPT) this.#samples.splice(0, MAX_KEPT / 2);
  }

  read(): MeterReading {
    const since = this.#now() - WINDOW_MS;
    const first = this.#samples.findIndex(({ at }) => at > since);
    this.#samples = first === -1 ? [] : this.#samples.slice(first);
    const times = this.#samples.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
    const count = this.#samples.reduce((total, sample) => total + sample.count, 0);
    return { count, p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}
