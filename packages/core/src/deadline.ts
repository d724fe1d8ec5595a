import type { CallOptions } from './call-options.ts';
import type { Clock } from './clock.ts';
import { ClusterError, type WriteOutcome } from './cluster-error.ts';

/** The error of a call that its caller's signal ended. The outcome is of calls that may have an effect elsewhere. */
export function abortError(signal: AbortSignal, what: string, outcome?: WriteOutcome): ClusterError {
  return new ClusterError('ABORTED', `${what}: aborted by the caller`, { cause: signal.reason, outcome });
}

/** @throws ClusterError `ABORTED` when the signal has aborted */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted === true) throw abortError(signal, what);
}

/**
 * Resolves after `delayMs` of the clock.
 * @throws ClusterError `ABORTED`
 */
export function sleep(clock: Clock, delayMs: number, options: CallOptions = {}): Promise<void> {
  return settleWithin(options.signal, 'sleep', (resolve) => {
    const timer = clock.setTimer(delayMs, resolve);
    return () => timer.cancel();
  });
}

/**
 * A promise that also ends with the signal. `start` begins the work and returns what is to be undone in any case.
 * @throws ClusterError `ABORTED`
 */
export function settleWithin<T>(
  signal: AbortSignal | undefined,
  what: string,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortError(signal, what));
      return;
    }
    let undo: (() => void) | undefined = undefined;
    let settled = false;
    const finish = (then: () => void) => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', onAbort);
      undo?.();
      then();
    };
    const onAbort = () => finish(() => reject(abortError(signal as AbortSignal, what)));
    signal?.addEventListener('abort', onAbort, { once: true });
    undo = start(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(error)),
    );
    if (settled) undo();
  });
}

/**
 * One more wait for what is under way anyway: the signal ends this wait only.
 * @throws ClusterError `ABORTED`, or whatever the promise rejects with
 */
export function shared<T>(promise: Promise<T>, what: string, options: CallOptions = {}): Promise<T> {
  return settleWithin<T>(options.signal, what, (resolve, reject) => {
    promise.then(resolve, reject);
    return () => undefined;
  });
}

/**
 * Runs a call with a deadline, and with the caller's signal. The call gets a signal that aborts at either; when it
 * doesn't obey it, its result is dropped.
 * @throws ClusterError `TIMEOUT`, `ABORTED`, or whatever the call rejects with
 */
export function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
  options: CallOptions = {},
): Promise<T> {
  const controller = new AbortController();
  return settleWithin<T>(options.signal, what, (resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => {
      const error = new ClusterError('TIMEOUT', `${what}: no answer within ${timeoutMs} ms`);
      controller.abort(error);
      reject(error);
    });
    // Async, so that a call that throws at once is undone like one that rejects.
    (async () => await call(controller.signal))().then(resolve, reject);
    return () => {
      timer.cancel();
      if (options.signal?.aborted === true) controller.abort(options.signal.reason);
    };
  });
}
