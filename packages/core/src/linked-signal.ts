/** Ends the link when it is disposed of: the signal doesn't abort any more. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * A signal that aborts with the first of several, for the length of one piece of work. `AbortSignal.any` has no end: what
 * it gives stays in memory with all that listens to it until one of its sources aborts, and a source may last as long as
 * the process.
 */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const sources = signals.filter((signal) => signal !== undefined);
  const controller = new AbortController();
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  const aborted = sources.find((source) => source.aborted);
  if (aborted !== undefined) controller.abort(aborted.reason);
  else for (const source of sources) source.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const source of sources) source.removeEventListener('abort', onAbort);
    },
  };
}
