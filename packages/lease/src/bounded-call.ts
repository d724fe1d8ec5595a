import { type CallOptions, type Clock, ClusterError } from '@quorate/core';

/**
 * Runs a call with a signal that aborts after its time, or with the caller's, and waits for what becomes of it: unlike
 * `withDeadline` it leaves no call behind that may yet take something.
 * @throws ClusterError whatever the call rejects with
 */
export async function boundedCall<T>(
  clock: Clock,
  timeoutMs: number,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
  { signal }: CallOptions = {},
): Promise<T> {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  const timer = clock.setTimer(timeoutMs, () => {
    controller.abort(new ClusterError('TIMEOUT', `${what}: no answer within ${timeoutMs} ms`));
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  try {
    return await call(controller.signal);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}
