import type { Counter, Histogram } from '@quorate/core';

export type Labels = Readonly<Record<string, string | number>>;

/** A value as `prom-client` writes it. */
export interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** One line, or a few, of a metric. */
export interface Series {
  samples(name: string): readonly Sample[];
}

export class CounterSeries implements Counter, Series {
  readonly #labels: Labels;
  #value = 0;

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  add(value: number): void {
    if (value > 0) this.#value += value;
  }

  samples(): readonly Sample[] {
    return [{ labels: this.#labels, value: this.#value }];
  }
}

export class HistogramSeries implements Histogram, Series {
  readonly isEnabled = true;
  readonly #labels: Labels;
  readonly #bounds: readonly number[];
  /** By bucket; the last is for what is above all bounds. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    if (!Number.isFinite(value)) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  samples(name: string): readonly Sample[] {
    const labels = this.#labels;
    const metricName = `${name}_bucket`;
    let count = 0;
    const samples: Sample[] = [...this.#counts].map((of, bucket) => {
      count += of;
      return { metricName, labels: { ...labels, le: this.#bounds[bucket] ?? '+Inf' }, value: count };
    });
    samples.push({ metricName: `${name}_sum`, labels, value: this.#sum });
    samples.push({ metricName: `${name}_count`, labels, value: count });
    return samples;
  }
}
