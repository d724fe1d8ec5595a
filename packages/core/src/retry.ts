import { Backoff } from './backoff.ts';
import type { ClusterContext } from './context.ts';
import { sleep } from './deadline.ts';

/** Between attempts of what a cluster does in the background. */
const BACKGROUND_BACKOFF = { baseMs: 250, maxMs: 30_000 };

/** Tries until it succeeds or the signal aborts, telling of each failure. Never rejects. */
export async function retry(
  { clock, random }: Pick<ClusterContext, 'clock' | 'random'>,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<void>,
  onError: (error: unknown) => void,
): Promise<void> {
  const backoff = new Backoff(random, BACKGROUND_BACKOFF);
  while (!signal.aborted) {
    const startedAt = clock.now();
    try {
      await attempt(signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
    }
    // What worked for a good while has not been failing.
    if (clock.now() - startedAt > BACKGROUND_BACKOFF.maxMs) backoff.reset();
    await sleep(clock, backoff.next(), { signal }).catch(() => undefined);
  }
}
