import { type Attributes, type Observe, noTelemetry } from '@quorate/core';
import { labelName, type MetricType } from './metric-name.ts';
import type { Labels, Sample, Series } from './series.ts';

/**
 * More sets of attributes than any part has; what comes beyond is not kept, so that a mistake can't fill the memory. It is
 * also the most that one observation may tell of.
 */
const MAX_SERIES = 2_000;

/** All series of one name, in the form that a registry of `prom-client` collects from. */
export class MetricFamily {
  /** Written by the registry, which has a form of its own for some names. */
  name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly #series = new Map<string, Series>();
  readonly #observed = new Set<{ readonly labels: Labels; readonly observe: Observe }>();

  constructor(name: string, help: string, type: MetricType) {
    this.name = name;
    this.help = help;
    this.type = type;
  }

  /** That of these attributes, made once. Undefined when there are too many. */
  series<S extends Series>(attributes: Attributes | undefined, make: (labels: Labels) => S): S | undefined {
    const labels = labelsOf(attributes);
    const key = keyOf(labels);
    const known = this.#series.get(key);
    // All series of a family are of one kind.
    if (known !== undefined) return known as S;
    if (this.#series.size >= MAX_SERIES) return undefined;
    const series = make(labels);
    this.#series.set(key, series);
    return series;
  }

  observe(observe: Observe, attributes: Attributes | undefined): Disposable {
    if (this.#observed.size >= MAX_SERIES) return noTelemetry.gauge({ name: '', unit: '', description: '' }, observe);
    const observed = { labels: labelsOf(attributes), observe };
    this.#observed.add(observed);
    return { [Symbol.dispose]: () => void this.#observed.delete(observed) };
  }

  async get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: MetricType;
    readonly values: readonly Sample[];
    readonly aggregator: 'sum';
  }> {
    const { name, help, type } = this;
    const observed = this.#collect();
    // Two lines of one set of labels would spoil the whole answer: what is observed stands for what was counted as well.
    const counted = [...this.#series].filter(([key]) => !observed.has(key));
    const values = counted.flatMap(([, series]) => [...series.samples(name)]);
    return { name, help, type, values: [...values, ...observed.values()], aggregator: 'sum' };
  }

  /** For `prom-client`'s registry. */
  reset(): void {
    this.#series.clear();
  }

  /** The last told of each set of labels. */
  #collect(): ReadonlyMap<string, Sample> {
    const samples = new Map<string, Sample>();
    for (const { labels, observe } of this.#observed) {
      try {
        observe((value, attributes) => {
          const all = attributes === undefined ? labels : { ...labels, ...labelsOf(attributes) };
          if (samples.size < MAX_SERIES) samples.set(keyOf(all), { labels: all, value });
        });
      } catch {
        // What can't be observed has no value.
      }
    }
    return samples;
  }
}

function labelsOf(attributes: Attributes = {}): Labels {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [labelName(name), String(value)]));
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
