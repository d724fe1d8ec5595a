import { Backoff, settleWithin, sleep } from '@quorate/core';
import type { SingletonRun, Slot } from './singleton-events.ts';
import type { TaskBoard } from './task-board.ts';
import type { Tenure } from './tenures.ts';

/** What the user's function came to: `stopped` where leadership or the task ended first. */
export type RunEnd = 'completed' | 'failed' | 'stopped';

type Settled = { readonly isCompleted: true } | { readonly isCompleted: false; readonly error: unknown };

/** Runs the user's function, again after failures, until it is through or its time is over; never twice at one time. */
export class Attempts {
  readonly #board: TaskBoard;
  readonly #run: (run: SingletonRun) => unknown;
  /** A run whose time is over and which goes on. */
  #leftover: Promise<unknown> | undefined;

  constructor(board: TaskBoard, run: (run: SingletonRun) => unknown) {
    this.#board = board;
    this.#run = run;
  }

  /** A run that goes on though its time is over, until it ends. */
  get leftover(): Promise<unknown> | undefined {
    return this.#leftover;
  }

  /** Resolves when no run of an earlier tenure goes on any more. */
  async vacant(signal: AbortSignal): Promise<void> {
    const leftover = this.#leftover;
    if (leftover === undefined) return;
    await settleWithin<unknown>(signal, 'wait for a run that overran', (resolve) => {
      void leftover.then(resolve);
      return () => undefined;
    });
  }

  /** @param signal aborts with the tenure, and with the task */
  async run(tenure: Tenure, signal: AbortSignal, slot: Slot | undefined): Promise<RunEnd> {
    const { clock, random, settings } = this.#board;
    const { resetAfterMs, maxAttempts } = settings.restart;
    const backoff = new Backoff(random, settings.restart);
    for (let attempt = 1; ; attempt += 1) {
      // The claim, or the pause, took time.
      if (signal.aborted || !tenure.isValid()) return 'stopped';
      const begunAt = clock.now();
      const settled = await this.#once(tenure, signal, slot, attempt);
      if (settled === undefined) return 'stopped';
      if (settled.isCompleted) return this.#finished(tenure, slot);
      if (clock.now() - begunAt >= resetAfterMs) {
        backoff.reset();
        // A slot is tried so often, however long each takes.
        if (slot === undefined) attempt = 0;
      }
      const retryInMs = attempt < maxAttempts ? backoff.next() : undefined;
      this.#failed(tenure, slot, settled.error, retryInMs);
      if (retryInMs === undefined) return 'failed';
      // Aborted: seen above.
      await sleep(clock, retryInMs, { signal }).catch(() => undefined);
    }
  }

  /** One run. Undefined when its time was over before it had ended, by its own will. */
  async #once(
    tenure: Tenure,
    signal: AbortSignal,
    slot: Slot | undefined,
    attempt: number,
  ): Promise<Settled | undefined> {
    const { task } = this.#board;
    const { token } = tenure;
    this.#board.show({ state: 'running', slot, outcome: undefined });
    this.#board.emit('started', { task, token, slot, attempt });
    const run = { signal, token, term: token, attempt, slot, isValid: () => !signal.aborted && tenure.isValid() };
    const going = this.#measured(run);
    const first = await within(signal, going);
    return first ?? (await this.#stop(going, tenure, signal, slot));
  }

  /** Never rejects. A run begins a trace: nobody has asked for it. */
  async #measured(run: SingletonRun): Promise<Settled> {
    const { clock, task, telemetry, instruments } = this.#board;
    const span = telemetry.startSpan('quorate.singleton.run', { attributes: { 'quorate.singleton.task': task } });
    const began = clock.now();
    try {
      await span.run(() => this.#run(run));
      span.end();
      return { isCompleted: true };
    } catch (error) {
      span.end(error);
      return { isCompleted: false, error };
    } finally {
      instruments.duration.record((clock.now() - began) / 1000);
    }
  }

  /** Waits, as long as it may take, for a run that was told to stop. */
  async #stop(
    going: Promise<Settled>,
    { token }: Tenure,
    { reason }: AbortSignal,
    slot: Slot | undefined,
  ): Promise<Settled | undefined> {
    const { clock, task, settings } = this.#board;
    const { stopWithinMs } = settings;
    this.#board.show({ state: 'stopping' });
    const settled = await settleWithin<Settled | undefined>(undefined, 'stop', (resolve) => {
      const timer = clock.setTimer(stopWithinMs, () => resolve(undefined));
      void going.then(resolve);
      return () => timer.cancel();
    });
    if (settled === undefined) {
      this.#overran(going, token, slot);
      return undefined;
    }
    // It came to its end all the same.
    if (settled.isCompleted) return settled;
    this.#board.emit('stopped', { task, token, slot, reason: reason as unknown });
    return undefined;
  }

  #overran(going: Promise<Settled>, token: bigint, slot: Slot | undefined): void {
    const { task, settings } = this.#board;
    this.#board.show({ isOverrunning: true });
    this.#board.warn(`it goes on ${settings.stopWithinMs} ms after it was told to stop, token ${token}`);
    const leftover = going.then(() => {
      if (this.#leftover === leftover) this.#leftover = undefined;
      this.#board.show({ isOverrunning: false });
      this.#board.emit('ceased', { task, token, slot });
    });
    this.#leftover = leftover;
    this.#board.emit('overran', { task, token, slot, afterMs: settings.stopWithinMs });
  }

  #finished({ token }: Tenure, slot: Slot | undefined): RunEnd {
    this.#board.show({ outcome: 'completed' });
    this.#board.emit('finished', { task: this.#board.task, token, slot });
    return 'completed';
  }

  #failed({ token }: Tenure, slot: Slot | undefined, error: unknown, retryInMs: number | undefined): void {
    this.#board.show({
      state: retryInMs === undefined ? 'scheduled' : 'retrying',
      outcome: 'failed',
      lastError: error,
    });
    this.#board.warn(
      retryInMs === undefined ? 'it failed' : `it failed and is tried in ${retryInMs.toFixed(0)} ms`,
      error,
    );
    this.#board.emit('failed', { task: this.#board.task, token, slot, error, retryInMs });
  }
}

/** What it resolves with, or undefined when the signal aborts first. */
function within<T>(signal: AbortSignal, going: Promise<T>): Promise<T | undefined> {
  const wait = settleWithin<T>(signal, 'run', (resolve) => {
    void going.then(resolve);
    return () => undefined;
  });
  return wait.catch(() => undefined);
}
