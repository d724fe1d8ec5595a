/** Times of one thing done many times, in milliseconds. */
export interface Measured {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @param times in milliseconds, in any order; at least one */
export function measured(times: readonly number[]): Measured {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): number => rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: rounded(sorted.at(-1)) };
}

/** Does it one after the other, at least once, until the time is over or the number reached. */
export async function repeated(
  act: (number: number) => Promise<unknown>,
  { forMs, most }: { readonly forMs: number; readonly most: number },
): Promise<number[]> {
  const times: number[] = [];
  const begin = performance.now();
  while (times.length === 0 || (times.length < most && performance.now() - begin < forMs)) {
    const before = performance.now();
    await act(times.length);
    times.push(performance.now() - before);
  }
  return times;
}

function rounded(ms: number | undefined): number {
  return Math.round((ms ?? 0) * 1000) / 1000;
}
