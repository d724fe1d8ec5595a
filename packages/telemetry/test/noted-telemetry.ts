import type {
  Attributes,
  Counter,
  Histogram,
  HistogramAbout,
  InstrumentAbout,
  Observe,
  Span,
  SpanOptions,
  Telemetry,
} from '@quorate/core';

const CARRIER = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

export interface NotedInstrument {
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly description: string;
  /** Of its attributes, the names. */
  readonly attributes: Set<string>;
}

/** Notes which instruments are made, with which attributes, and which spans are begun. */
export class NotedTelemetry implements Telemetry {
  readonly instruments = new Map<string, NotedInstrument>();
  readonly spans = new Set<string>();
  readonly #observed = new Set<() => void>();

  counter(about: InstrumentAbout, attributes?: Attributes): Counter {
    this.#note('counter', about, attributes);
    return { add: () => undefined };
  }

  histogram(about: HistogramAbout, attributes?: Attributes): Histogram {
    this.#note('histogram', about, attributes);
    return { isEnabled: true, record: () => undefined };
  }

  gauge(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return this.#observe('gauge', about, observe, attributes);
  }

  observedCounter(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return this.#observe('counter', about, observe, attributes);
  }

  startSpan(name: string, _options?: SpanOptions): Span {
    this.spans.add(name);
    return { carrier: CARRIER, run: (act) => act(), setAttribute: () => undefined, end: () => undefined };
  }

  activeCarrier(): string | undefined {
    return CARRIER;
  }

  /** Asks whatever is observed, to see with which attributes. */
  collect(): void {
    for (const observe of this.#observed) observe();
  }

  #observe(kind: 'gauge' | 'counter', about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    this.#note(kind, about, attributes);
    const collect = (): void => observe((_value, more) => this.#note(kind, about, more));
    this.#observed.add(collect);
    return { [Symbol.dispose]: () => void this.#observed.delete(collect) };
  }

  #note(
    kind: NotedInstrument['kind'],
    { name, unit, description }: InstrumentAbout,
    attributes: Attributes = {},
  ): void {
    const known = this.instruments.get(name) ?? { kind, unit, description, attributes: new Set() };
    if (known.kind !== kind || known.unit !== unit || known.description !== description) {
      throw new Error(`${name} is made in two ways`);
    }
    for (const attribute of Object.keys(attributes)) known.attributes.add(attribute);
    this.instruments.set(name, known);
  }
}
