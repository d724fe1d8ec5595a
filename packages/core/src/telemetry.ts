/**
 * What a number is measured of, or a span about: few, and of values of which there are few, since each combination is kept.
 * Nothing that a client chooses belongs here.
 */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** What is measured. Names and units are OpenTelemetry's: `quorate.raft.commit.duration`, `s`. */
export interface InstrumentAbout {
  readonly name: string;
  /** By UCUM: `s`, `By`, `1` for a ratio, and in braces what is counted: `{entry}`. */
  readonly unit: string;
  readonly description: string;
}

/** What is measured, and how finely. */
export interface HistogramAbout extends InstrumentAbout {
  /** The upper bounds of its buckets, ascending; one without a bound comes last. */
  readonly buckets: readonly number[];
}

/**
 * Describes the instruments of one part, whose names begin alike:
 * `const about = aboutInstruments('quorate.gossip'); about('held', '{item}', 'What waits to be told')`.
 */
export function aboutInstruments(prefix: string): (name: string, unit: string, description: string) => InstrumentAbout {
  return (name, unit, description) => ({ name: `${prefix}.${name}`, unit, description });
}

/** Buckets for durations, in seconds: from a tenth of a millisecond to ten seconds. */
export const durationBuckets: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Buckets for sizes, in bytes: from 256 to a gigabyte. */
export const sizeBuckets: readonly number[] = [8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30].map(
  (power) => 2 ** power,
);

/** Buckets for how many things came at once. */
export const countBuckets: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];

/** Only grows. */
export interface Counter {
  /** @param value not negative */
  add(value: number): void;
}

/** Of many values: how many, their sum, and how they are spread. */
export interface Histogram {
  /** One more value, in the unit of the instrument. */
  record(value: number): void;
  /** Whether it is of any use to find out what would be recorded. Doesn't change. */
  readonly isEnabled: boolean;
}

/** Called whenever somebody collects: tells of each set of attributes the value that it has now. It must not throw. */
export type Observe = (tell: (value: number, attributes?: Attributes) => void) => void;

/** What a span is told when it begins. */
export interface SpanOptions {
  /**
   * What it is a part of: another span's carrier. What no carrier can be counts as none, so that one from a peer needs no check.
   * @default the active span, if there is one
   */
  readonly parent?: string | undefined;
  /**
   * `client` and `server` where a span's child is at another node.
   * @default 'internal'
   */
  readonly kind?: 'internal' | 'client' | 'server';
  readonly attributes?: Attributes;
}

/** Something that takes time, as a part of what caused it. Never throws; after `end` all but `run` is without effect. */
export interface Span {
  /** For children elsewhere: W3C's `traceparent`. Undefined where no span is known of. */
  readonly carrier: string | undefined;
  /** What is begun within, also after it has awaited, has this span as the active one. */
  run<T>(act: () => T): T;
  /** In place of an attribute of this name, if there is one. */
  setAttribute(name: string, value: string | number | boolean): void;
  /** @param error why it failed, if it did */
  end(error?: unknown): void;
}

/**
 * Where measurements and traces go. A part makes its instruments once, when it is made, with all attributes that it knows;
 * recording is then a call with a number. Nothing here may throw, nor wait, but that an instrument is refused with
 * `INVALID_OPTIONS` whose name is taken by one of another kind.
 */
export interface Telemetry {
  /** Of what happens now and then: each time is added. */
  counter(about: InstrumentAbout, attributes?: Attributes): Counter;
  /** Of what has another value each time: how long something took, how large it was. */
  histogram(about: HistogramAbout, attributes?: Attributes): Histogram;
  /** Of what has a value at each moment. Until it is disposed of, `observe` is called. */
  gauge(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable;
  /** Of what is counted anyway: the value is the sum so far, and only grows. */
  observedCounter(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable;
  /** Begins a span. Without a parent it begins a trace. */
  startSpan(name: string, options?: SpanOptions): Span;
  /** That of the active span. Undefined without one, or where none is recorded. */
  activeCarrier(): string | undefined;
}

/** A W3C `traceparent` of version 00 is no longer and no shorter. */
const CARRIER_LENGTH = 55;

const CARRIER = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/u;

/** Whether a value, from a peer perhaps, is a carrier: W3C Trace Context, section 3.2, version 00. */
export function isCarrier(value: unknown): value is string {
  return typeof value === 'string' && value.length === CARRIER_LENGTH && CARRIER.test(value);
}

class NoCounter implements Counter {
  add(_value: number): void {}
}

class NoHistogram implements Histogram {
  readonly isEnabled = false;
  record(_value: number): void {}
}

class NoSpan implements Span {
  readonly carrier = undefined;
  run<T>(act: () => T): T {
    return act();
  }
  setAttribute(): void {}
  end(): void {}
}

class NoTelemetry implements Telemetry {
  counter(): Counter {
    return noCounter;
  }
  histogram(): Histogram {
    return noHistogram;
  }
  gauge(): Disposable {
    return nothing;
  }
  observedCounter(): Disposable {
    return nothing;
  }
  startSpan(): Span {
    return noSpan;
  }
  activeCarrier(): string | undefined {
    return undefined;
  }
}

const noCounter: Counter = new NoCounter();
const noHistogram: Histogram = new NoHistogram();
const nothing: Disposable = { [Symbol.dispose]: () => undefined };

/** The span of nothing: for who has none to begin. */
export const noSpan: Span = new NoSpan();

/** Measures nothing, and costs nothing. */
export const noTelemetry: Telemetry = new NoTelemetry();

/** That of a context or a machine; `noTelemetry` where none is given. */
export function telemetryOf({ telemetry = noTelemetry }: { readonly telemetry?: Telemetry | undefined }): Telemetry {
  return telemetry;
}

/** Whether a value from outside can take measurements. */
export function isTelemetry(value: unknown): value is Telemetry {
  if (typeof value !== 'object' || value === null) return false;
  const { counter, histogram, gauge, observedCounter, startSpan, activeCarrier } = value as Partial<
    Record<keyof Telemetry, unknown>
  >;
  const methods = [counter, histogram, gauge, observedCounter, startSpan, activeCarrier];
  return methods.every((method) => typeof method === 'function');
}
