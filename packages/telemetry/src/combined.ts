import {
  type Attributes,
  type Counter,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  invalidOption,
  noSpan,
  type Observe,
  type Span,
  type SpanOptions,
  isTelemetry,
  type Telemetry,
} from '@quorate/core';

/**
 * All of them at once: `combined(prometheus(), openTelemetry())`. Traces are those of the first that has any.
 * @throws ClusterError `INVALID_OPTIONS` for what is no telemetry
 */
export function combined(...telemetries: readonly Telemetry[]): Telemetry {
  const wrong = telemetries.find((each) => !isTelemetry(each));
  if (wrong !== undefined) throw invalidOption('combined', 'each', 'a Telemetry', wrong);
  return new CombinedTelemetry(telemetries);
}

class CombinedTelemetry implements Telemetry {
  readonly #all: readonly Telemetry[];

  constructor(all: readonly Telemetry[]) {
    this.#all = all;
  }

  counter(about: InstrumentAbout, attributes?: Attributes): Counter {
    const counters = this.#all.map((each) => each.counter(about, attributes));
    return {
      add: (value) => {
        for (const counter of counters) counter.add(value);
      },
    };
  }

  histogram(about: HistogramAbout, attributes?: Attributes): Histogram {
    const histograms = this.#all.map((each) => each.histogram(about, attributes)).filter(({ isEnabled }) => isEnabled);
    return {
      isEnabled: histograms.length > 0,
      record: (value) => {
        for (const histogram of histograms) histogram.record(value);
      },
    };
  }

  gauge(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return together(this.#all.map((each) => each.gauge(about, observe, attributes)));
  }

  observedCounter(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return together(this.#all.map((each) => each.observedCounter(about, observe, attributes)));
  }

  startSpan(name: string, options?: SpanOptions): Span {
    for (const each of this.#all) {
      const span = each.startSpan(name, options);
      if (span.carrier !== undefined) return span;
    }
    return noSpan;
  }

  activeCarrier(): string | undefined {
    for (const each of this.#all) {
      const carrier = each.activeCarrier();
      if (carrier !== undefined) return carrier;
    }
    return undefined;
  }
}

function together(parts: readonly Disposable[]): Disposable {
  const dispose = (): void => {
    for (const part of parts) part[Symbol.dispose]();
  };
  return { [Symbol.dispose]: dispose };
}
