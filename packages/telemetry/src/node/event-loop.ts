import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { InstrumentAbout, Telemetry } from '@quorate/core';

/** Milliseconds between two looks at the loop. */
const RESOLUTION_MS = 10;
/** The gauges of one collection come within this, and share what was measured since the one before. */
const COLLECTION_MS = 500;

interface Delays {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const about = (which: string, words: string): InstrumentAbout => ({
  name: `nodejs.eventloop.delay.${which}`,
  unit: 's',
  description: `How late the event loop of the process was since it was collected last: ${words}`,
});

const GAUGES: Readonly<Record<keyof Delays, InstrumentAbout>> = {
  mean: about('mean', 'the mean'),
  p50: about('p50', 'the median'),
  p90: about('p90', 'the 90th percentile'),
  p99: about('p99', 'the 99th percentile'),
  max: about('max', 'the longest'),
};

/** Measures the event loop until it is disposed of; that keeps no process alive. */
export function observeEventLoop(telemetry: Telemetry): Disposable {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  const delays = sinceLast(monitor);
  const gauges = Object.entries(GAUGES).map(([which, instrument]) =>
    telemetry.gauge(instrument, (tell) => tell(delays()[which as keyof Delays])),
  );
  const end = (): void => {
    monitor.disable();
    for (const gauge of gauges) gauge[Symbol.dispose]();
  };
  return { [Symbol.dispose]: end };
}

function sinceLast(monitor: ReturnType<typeof monitorEventLoopDelay>): () => Delays {
  let last: Delays = { mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  let readAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - readAt < COLLECTION_MS) return last;
    readAt = now;
    if (monitor.count > 0) {
      const percentile = (of: number): number => late(monitor.percentile(of));
      const [p50, p90, p99] = [percentile(50), percentile(90), percentile(99)];
      last = { mean: late(monitor.mean), p50, p90, p99, max: late(monitor.max) };
    }
    monitor.reset();
    return last;
  };
}

/** Of the time between two looks, in nanoseconds, what was more than was asked for, in seconds. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}
