import { percentile } from './benchmark.ts';

/** What a closed loop achieved; latencies in milliseconds. */
export interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** Keeps so many calls in flight for so long: each is followed by the next at once. `check` throws at a wrong answer. */
export async function closedLoop<T>(
  call: () => Promise<T>,
  inFlight: number,
  seconds: number,
  check: (answer: T) => void = () => undefined,
): Promise<Load> {
  const latencies: number[] = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const worker = async (): Promise<void> => {
    for (let calledAt = performance.now(); calledAt < end;) {
      check(await call());
      const now = performance.now();
      latencies.push(now - calledAt);
      calledAt = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsed = (performance.now() - begin) / 1000;
  const sorted = Float64Array.from(latencies).sort();
  return { perSecond: latencies.length / elapsed, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
