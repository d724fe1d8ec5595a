import {
  type Attributes,
  type Counter,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  noTelemetry,
  type Observe,
  type Span,
  type SpanOptions,
  type Telemetry,
} from './telemetry.ts';

/** Another telemetry, for the time that something lasts, and with attributes that all of it has: a node, a cluster. */
export interface TelemetryScope {
  readonly telemetry: Telemetry;
  /** Nothing is observed any more. */
  end(): void;
}

/** One that gives all that it measures to another, with these attributes. */
export function telemetryScope(of: Telemetry, attributes: Attributes): TelemetryScope {
  if (of === noTelemetry) return { telemetry: noTelemetry, end: () => undefined };
  const telemetry = new ScopedTelemetry(of, attributes);
  return { telemetry, end: () => telemetry.end() };
}

class ScopedTelemetry implements Telemetry {
  readonly #of: Telemetry;
  readonly #attributes: Attributes;
  readonly #observed = new Set<Disposable>();
  #isEnded = false;

  constructor(of: Telemetry, attributes: Attributes) {
    this.#of = of;
    this.#attributes = attributes;
  }

  counter(about: InstrumentAbout, attributes?: Attributes): Counter {
    return this.#of.counter(about, this.#all(attributes));
  }

  histogram(about: HistogramAbout, attributes?: Attributes): Histogram {
    return this.#of.histogram(about, this.#all(attributes));
  }

  gauge(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return this.#keep(this.#isEnded ? undefined : this.#of.gauge(about, observe, this.#all(attributes)));
  }

  observedCounter(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return this.#keep(this.#isEnded ? undefined : this.#of.observedCounter(about, observe, this.#all(attributes)));
  }

  startSpan(name: string, options: SpanOptions = {}): Span {
    return this.#of.startSpan(name, { ...options, attributes: this.#all(options.attributes) });
  }

  activeCarrier(): string | undefined {
    return this.#of.activeCarrier();
  }

  end(): void {
    this.#isEnded = true;
    for (const observed of this.#observed) observed[Symbol.dispose]();
    this.#observed.clear();
  }

  #all(attributes: Attributes | undefined): Attributes {
    return attributes === undefined ? this.#attributes : { ...this.#attributes, ...attributes };
  }

  #keep(observed: Disposable | undefined): Disposable {
    if (observed !== undefined) this.#observed.add(observed);
    const forget = (): void => {
      if (observed === undefined || !this.#observed.delete(observed)) return;
      observed[Symbol.dispose]();
    };
    return { [Symbol.dispose]: forget };
  }
}
