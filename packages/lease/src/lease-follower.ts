import { Backoff, sleep } from '@quorate/core';
import type { LeaseMachine } from './lease-machine.ts';
import type { LeaseStore, LeaseView } from './lease-store.ts';

/** Follows what the engine says for as long as its signal doesn't abort, and begins again whenever it fails. */
export async function followLease(
  { clock, random, timings, outage }: LeaseMachine,
  store: LeaseStore,
  tell: (view: LeaseView) => void,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(random, { baseMs: timings.ttlMs / 100, maxMs: timings.renewEveryMs });
  while (!signal.aborted) {
    // Within one call the engine's state doesn't go back; one that was restored from a copy may, between two.
    let newest: bigint | undefined;
    const onView = (view: LeaseView): void => {
      if (signal.aborted || (newest !== undefined && view.revision < newest)) return;
      newest = view.revision;
      backoff.reset();
      outage.succeeded('follow');
      tell(view);
    };
    try {
      await store.follow(onView, { signal });
    } catch (error) {
      if (!signal.aborted) outage.failed('follow', error);
    }
    await sleep(clock, backoff.next(), { signal }).catch(() => undefined);
  }
}
