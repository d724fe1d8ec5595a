import {
  type Attributes,
  checkOptions,
  ClusterError,
  type Counter,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  noSpan,
  noTelemetry,
  type Observe,
  rule,
  type Span,
  type Telemetry,
} from '@quorate/core';
import { type Metric, Registry } from 'prom-client';
import { observeEventLoop } from '../node/event-loop.ts';
import { type MetricsServer, type ServeOptions, serveMetrics } from '../node/metrics-server.ts';
import { MetricFamily } from './metric-family.ts';
import { metricName, type MetricType } from './metric-name.ts';
import { metricsHandler, type MetricsHandler } from './metrics-handler.ts';
import { CounterSeries, HistogramSeries } from './series.ts';

/** What `prometheus` is told. */
export interface PrometheusOptions {
  /**
   * A registry of `prom-client` that the metrics are added to: `register`, say, where the program has metrics of its own.
   * @default one of its own
   */
  readonly registry?: Registry;
  /**
   * Whether the delay of the process's event loop is measured.
   * @default true
   */
  readonly eventLoop?: boolean;
}

/** Keeps what is measured, to be fetched as Prometheus's text. Traces are not its concern. */
export interface Prometheus extends Telemetry, Disposable {
  /** All metrics of the registry. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Answers with the text, for `node:http`, Express and the like: `server.on('request', metrics.handler)`. */
  readonly handler: MetricsHandler;
  /**
   * Answers at `/metrics` on a port of its own.
   * @throws ClusterError `IO` when the address cannot be bound, `INVALID_OPTIONS`
   */
  serve(options?: ServeOptions): Promise<MetricsServer>;
  readonly registry: Registry;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function prometheus(options: PrometheusOptions = {}): Prometheus {
  const rules = {
    registry: rule.value<Registry>('a Registry of prom-client', isRegistry),
    eventLoop: rule.flag(),
  };
  const { registry = new Registry(), eventLoop = true } = checkOptions<PrometheusOptions>('prometheus', rules, options);
  return new PrometheusTelemetry(registry, eventLoop);
}

class PrometheusTelemetry implements Prometheus {
  readonly registry: Registry;
  readonly handler: MetricsHandler;
  readonly #families = new Map<string, MetricFamily>();
  readonly #eventLoop: Disposable | undefined;

  constructor(registry: Registry, eventLoop: boolean) {
    this.registry = registry;
    this.handler = metricsHandler(this);
    this.#eventLoop = eventLoop ? observeEventLoop(this) : undefined;
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async text(): Promise<string> {
    return await this.registry.metrics();
  }

  async serve(options: ServeOptions = {}): Promise<MetricsServer> {
    return await serveMetrics(this.handler, options);
  }

  counter(about: InstrumentAbout, attributes?: Attributes): Counter {
    const series = this.#family(about, 'counter').series(attributes, (labels) => new CounterSeries(labels));
    return series ?? noTelemetry.counter(about);
  }

  histogram(about: HistogramAbout, attributes?: Attributes): Histogram {
    const family = this.#family(about, 'histogram');
    const series = family.series(attributes, (labels) => new HistogramSeries(labels, about.buckets));
    return series ?? noTelemetry.histogram(about);
  }

  gauge(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return this.#family(about, 'gauge').observe(observe, attributes);
  }

  observedCounter(about: InstrumentAbout, observe: Observe, attributes?: Attributes): Disposable {
    return this.#family(about, 'counter').observe(observe, attributes);
  }

  startSpan(): Span {
    return noSpan;
  }

  activeCarrier(): string | undefined {
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#eventLoop?.[Symbol.dispose]();
  }

  #family(about: InstrumentAbout, type: MetricType): MetricFamily {
    const name = metricName(about, type);
    const known = this.#families.get(name);
    if (known?.type === type) return known;
    // The registry counts each name but once, of whatever type.
    if (known !== undefined || this.registry.getSingleMetric(name) !== undefined) {
      throw new ClusterError('INVALID_OPTIONS', `prometheus: the registry has a metric ${name} already`);
    }
    const family = new MetricFamily(name, about.description, type);
    this.#families.set(name, family);
    // It asks a metric for `name` and `get` alone.
    this.registry.registerMetric(family as unknown as Metric);
    return family;
  }
}

function isRegistry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { metrics, registerMetric } = value as Partial<Record<keyof Registry, unknown>>;
  return typeof metrics === 'function' && typeof registerMetric === 'function';
}
