import { type CallOptions, type Clock, isClusterError, type MonotonicMs, sleep, throwIfAborted } from '@quorate/core';

/** Between two looks at a group, or two questions to whoever leads. */
export const LOOK_MS = 20;

/** For how long another node may have this one wait. Milliseconds. */
export const MAX_ANSWER_MS = 60_000;

/**
 * Tries again while nobody leads, or whoever led does no longer. For what may be asked for twice.
 * @throws ClusterError `ABORTED`; what the last attempt has failed with
 */
export async function throughChanges(
  what: string,
  clock: Clock,
  deadline: MonotonicMs,
  attempt: () => Promise<unknown>,
  options: CallOptions,
): Promise<void> {
  for (;;) {
    throwIfAborted(options.signal, what);
    try {
      await attempt();
      return;
    } catch (error) {
      const mayChange = isClusterError(error, 'NOT_LEADER') || isClusterError(error, 'DISCONNECTED');
      if (!mayChange || clock.now() + LOOK_MS >= deadline) throw error;
    }
    await sleep(clock, LOOK_MS, options);
  }
}
