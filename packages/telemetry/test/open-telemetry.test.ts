import { context, createNoopMeter, type MeterProvider as ApiMeterProvider, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ClusterError, isCarrier, noSpan, noTelemetry } from '@quorate/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { combined, openTelemetry, openTelemetryLogger, prometheus } from '../src/index.ts';
import { type MeasuredNode, threeNodes } from './three-nodes.ts';

const about = { name: 'quorate.test.wait', unit: 's', description: 'how long it took' };

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

describe('without an SDK', () => {
  test('nothing is measured, nothing traced, and instruments are the ones that cost nothing', () => {
    using telemetry = openTelemetry();
    const histogram = { ...about, buckets: [1] };
    expect(telemetry.histogram(histogram)).toBe(noTelemetry.histogram(histogram));
    expect(telemetry.counter(about)).toBe(noTelemetry.counter(about));
    expect(telemetry.startSpan('x')).toBe(noSpan);
    expect(telemetry.activeCarrier()).toBeUndefined();
  });

  test('wrong options are refused', () => {
    const noop = createNoopMeter() as unknown as ApiMeterProvider;
    expect(() => openTelemetry({ meterProvider: noop })).toThrow(/meterProvider must be a MeterProvider/u);
    expect(() => combined({} as never)).toThrow(/must be a Telemetry/u);
  });
});

describe('with the SDK', () => {
  test('what is measured is exported under its own names, with its attributes and buckets', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    using telemetry = openTelemetry({ meterProvider, eventLoop: true });
    telemetry.histogram({ ...about, buckets: [1, 2] }, { 'quorate.node.id': 'a' }).record(1.5);
    telemetry.counter({ ...about, name: 'quorate.test.count' }, { 'quorate.node.id': 'a' }).add(3);
    const gauge = telemetry.gauge({ ...about, name: 'quorate.test.level' }, (tell) => tell(7, { of: 'x' }), {
      id: 'a',
    });
    await reader.forceFlush();
    gauge[Symbol.dispose]();
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const of = (name: string) => metrics.find(({ descriptor }) => descriptor.name === name);
    const [wait] = of('quorate.test.wait')?.dataPoints ?? [];
    expect(wait?.attributes).toEqual({ 'quorate.node.id': 'a' });
    expect(wait?.value).toMatchObject({ count: 1, sum: 1.5, buckets: { boundaries: [1, 2], counts: [0, 1, 0] } });
    expect(of('quorate.test.count')?.dataPoints[0]?.value).toBe(3);
    expect(of('quorate.test.level')?.dataPoints[0]).toMatchObject({ value: 7, attributes: { id: 'a', of: 'x' } });
    expect(of('nodejs.eventloop.delay.p99')?.descriptor.unit).toBe('s');
    await meterProvider.shutdown();
  });

  test('the log goes along, to a logger of the program too, and errors as exceptions', async () => {
    const exporter = new InMemoryLogRecordExporter();
    const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    const lines: string[] = [];
    const also = { debug: () => {}, info: () => {}, error: () => {}, warn: (line: string) => void lines.push(line) };
    const logger = openTelemetryLogger({ loggerProvider, also });
    logger.warn('it failed', new ClusterError('IO', 'no disk'));
    await loggerProvider.forceFlush();
    expect(lines).toEqual(['it failed']);
    const [record] = exporter.getFinishedLogRecords();
    expect(record).toMatchObject({ body: 'it failed', severityText: 'WARN' });
    expect(record?.attributes).toMatchObject({ 'exception.message': 'no disk' });
  });
});

/** All spans of a name, with the node that they were begun on. */
interface Seen {
  readonly name: string;
  readonly node: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | undefined;
}

test('a trace goes from the caller on one node over the leader to its commit, its read and its handler', async () => {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const telemetry = combined(prometheus({ eventLoop: false }), openTelemetry({ tracerProvider, eventLoop: false }));
  await using cluster = await threeNodes(() => telemetry);
  const tracer = tracerProvider.getTracer('test');
  let root = tracer.startSpan('request');
  let leader = await cluster.leader();
  let follower = await cluster.follower();
  // On a busy machine a leader may lose its lease meanwhile: then another is asked.
  for (let token: bigint | undefined; token === undefined || token !== leader.cluster.leadership?.token;) {
    leader = await cluster.leader();
    follower = await cluster.follower();
    token = leader.cluster.leadership?.token;
    root = tracer.startSpan('request');
    await context.with(trace.setSpan(context.active(), root), () => work(follower));
    root.end();
  }
  // Without a trace of the program nothing is traced.
  const before = exporter.getFinishedSpans().length;
  await follower.cluster.replicator.replicate(1);
  const raft = exporter
    .getFinishedSpans()
    .slice(before)
    .filter(({ name }) => name.startsWith('quorate.raft'));
  expect(raft).toEqual([]);

  const spans = exporter.getFinishedSpans().map((span): Seen => {
    const { traceId, spanId } = span.spanContext();
    const node = JSON.stringify(span.attributes['quorate.node.id'] ?? '').slice(1, -1);
    return { name: span.name, node, traceId, spanId, parent: span.parentSpanContext?.spanId };
  });
  const { traceId, spanId } = root.spanContext();
  const own = spans.filter((span) => span.traceId === traceId);
  const [a, b] = [follower.cluster.self.id, leader.cluster.self.id];
  const find = (name: string, node: string, parent: string | undefined): Seen => {
    const found = own.find((span) => span.name === name && span.node === node && span.parent === parent);
    expect(found, `${name} on ${node}: ${JSON.stringify(own)}`).toBeDefined();
    return found as Seen;
  };
  const asked = find('quorate.raft.command', a, spanId);
  const taken = find('quorate.raft.command', b, asked.spanId);
  find('quorate.raft.commit', b, taken.spanId);
  find('quorate.raft.apply', b, taken.spanId);
  find('quorate.raft.read.confirm', b, find('quorate.raft.read', a, spanId).spanId);
  find('quorate.forward.handle', b, find('quorate.forward', a, spanId).spanId);
});

async function work({ cluster: { replicator }, ask }: MeasuredNode): Promise<void> {
  await replicator.replicate(5);
  await replicator.read(0, { consistency: 'linearizable' });
  await ask('who');
}

test('a carrier is what W3C says, and nothing else', () => {
  const tracerProvider = new TracerProvider();
  const telemetry = openTelemetry({ tracerProvider, eventLoop: false });
  const span = telemetry.startSpan('x');
  expect(isCarrier(span.carrier)).toBe(true);
  const child = telemetry.startSpan('y', { parent: span.carrier });
  expect(child.carrier?.slice(0, 35)).toBe(span.carrier?.slice(0, 35));
  expect(span.run(() => telemetry.activeCarrier())).toBe(span.carrier);
  // What a peer made up begins a trace of its own.
  for (const parent of [
    '',
    'x'.repeat(55),
    `00-${'0'.repeat(32)}-0123456789abcdef-01`,
    `ff${span.carrier?.slice(2)}`,
  ]) {
    expect(isCarrier(parent)).toBe(false);
    expect(telemetry.startSpan('z', { parent }).carrier?.slice(0, 35)).not.toBe(span.carrier?.slice(0, 35));
  }
});
