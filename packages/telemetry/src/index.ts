/**
 * @packageDocumentation
 *
 * Where a cluster's measurements and traces go: `createCluster({ telemetry: prometheus() })`, or `openTelemetry()`.
 */
export { combined } from './combined.ts';
export { openTelemetry, type OpenTelemetryOptions } from './open-telemetry/open-telemetry.ts';
export { openTelemetryLogger, type OpenTelemetryLoggerOptions } from './open-telemetry/open-telemetry-logger.ts';
export { type MetricsRequest, type MetricsResponse } from './prometheus/metrics-handler.ts';
export { prometheus, type Prometheus, type PrometheusOptions } from './prometheus/prometheus.ts';
export type { MetricsServer, ServeOptions } from './node/metrics-server.ts';
