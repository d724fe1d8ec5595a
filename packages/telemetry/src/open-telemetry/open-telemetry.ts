import {
  context,
  type Counter as ApiCounter,
  createNoopMeter,
  type Histogram as ApiHistogram,
  isSpanContextValid,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
  type ObservableResult,
  SpanKind,
  trace,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import {
  type Attributes,
  checkOptions,
  type Counter,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  noSpan,
  noTelemetry,
  type Observe,
  type OptionRule,
  rule,
  type Span,
  type SpanOptions,
  type Telemetry,
} from '@quorate/core';
import { observeEventLoop } from '../node/event-loop.ts';
import { carrierOf, contextOf } from './trace-carrier.ts';
import { TracedSpan } from './traced-span.ts';

/** What `openTelemetry` is told. */
export interface OpenTelemetryOptions {
  /** @default the global one of `@opentelemetry/api`, as it is when this is called: the SDK is started before */
  readonly meterProvider?: MeterProvider;
  /** @default the global one of `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider;
  /**
   * Whether the delay of the process's event loop is measured. Not where nobody collects it.
   * @default true
   */
  readonly eventLoop?: boolean;
}

const SCOPE = '@quorate/telemetry';
const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER };

/**
 * Measurements and traces by the API of OpenTelemetry. Without an SDK all of it does nothing.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry & Disposable {
  const rules = {
    meterProvider: providerRule<MeterProvider>('a MeterProvider', 'getMeter'),
    tracerProvider: providerRule<TracerProvider>('a TracerProvider', 'getTracer'),
    eventLoop: rule.flag(),
  };
  const checked = checkOptions<OpenTelemetryOptions>('openTelemetry', rules, options);
  const { meterProvider = metrics.getMeterProvider(), tracerProvider = trace.getTracerProvider(), eventLoop } = checked;
  return new ApiTelemetry(meterProvider.getMeter(SCOPE), tracerProvider.getTracer(SCOPE), eventLoop ?? true);
}

class ApiTelemetry implements Telemetry, Disposable {
  readonly #meter: Meter;
  readonly #tracer: Tracer;
  /** Whether measurements get anywhere. */
  readonly #isMeasured: boolean;
  readonly #eventLoop: Disposable | undefined;

  constructor(meter: Meter, tracer: Tracer, eventLoop: boolean) {
    this.#meter = meter;
    this.#tracer = tracer;
    this.#isMeasured = meter.constructor !== createNoopMeter().constructor;
    this.#eventLoop = eventLoop && this.#isMeasured ? observeEventLoop(this) : undefined;
  }

  counter(about: InstrumentAbout, attributes?: Attributes): Counter {
    if (!this.#isMeasured) return noTelemetry.counter(about);
    return new BoundCounter(this.#meter.createCounter(about.name, metricOptions(about)), attributes);
  }

  histogram(about: HistogramAbout, attributes?: Attributes): Histogram {
    if (!this.#isMeasured) return noTelemetry.histogram(about);
    const advice = { explicitBucketBoundaries: [...about.buckets] };
    return new BoundHistogram(this.#meter.createHistogram(about.name, { ...metricOptions(about), advice }), attributes);
  }

  gauge(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return observed(this.#meter.createObservableGauge(about.name, metricOptions(about)), observe, attributes);
  }

  observedCounter(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return observed(this.#meter.createObservableCounter(about.name, metricOptions(about)), observe, attributes);
  }

  startSpan(name: string, { parent, kind = 'internal', attributes }: SpanOptions = {}): Span {
    const active = context.active();
    const within = (parent === undefined ? undefined : contextOf(parent)) ?? active;
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, within);
    return isSpanContextValid(span.spanContext()) ? new TracedSpan(span, within) : noSpan;
  }

  activeCarrier(): string | undefined {
    return carrierOf(trace.getSpanContext(context.active()));
  }

  [Symbol.dispose](): void {
    this.#eventLoop?.[Symbol.dispose]();
  }
}

class BoundCounter implements Counter {
  readonly #of: ApiCounter;
  readonly #attributes: Attributes | undefined;

  constructor(of: ApiCounter, attributes: Attributes | undefined) {
    this.#of = of;
    this.#attributes = attributes;
  }

  add(value: number): void {
    this.#of.add(value, this.#attributes);
  }
}

class BoundHistogram implements Histogram {
  readonly isEnabled = true;
  readonly #of: ApiHistogram;
  readonly #attributes: Attributes | undefined;

  constructor(of: ApiHistogram, attributes: Attributes | undefined) {
    this.#of = of;
    this.#attributes = attributes;
  }

  record(value: number): void {
    this.#of.record(value, this.#attributes);
  }
}

function observed(instrument: Observable, observe: Observe, attributes: Attributes = {}): Disposable {
  const callback = (result: ObservableResult): void => {
    observe((value, more) => result.observe(value, more === undefined ? attributes : { ...attributes, ...more }));
  };
  instrument.addCallback(callback);
  return { [Symbol.dispose]: () => instrument.removeCallback(callback) };
}

function metricOptions({ unit, description }: InstrumentAbout): {
  readonly unit: string;
  readonly description: string;
} {
  return { unit, description };
}

function providerRule<P>(expected: string, method: string): OptionRule<P> {
  const accepts = (value: unknown): boolean => {
    return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
  };
  return rule.value<P>(expected, accepts);
}
