import {
  Backoff,
  type EventListener,
  ClusterError,
  invalidOption,
  isClusterError,
  type LeaderElection,
  linkSignals,
  settleWithin,
  sleep,
} from '@quorate/core';
import type { Led } from '../leading/led.ts';
import { scheduleOf } from '../slots/schedule.ts';
import { TenureClaims } from '../slots/tenure-claims.ts';
import { Attempts } from './attempts.ts';
import type { SingletonEvents, SingletonRun, SingletonStatus } from './singleton-events.ts';
import { readSingletonOptions, type SingletonOptions } from './singleton-options.ts';
import { SlotLoop } from './slot-loop.ts';
import { TaskBoard } from './task-board.ts';
import { isTaskName } from './task-name.ts';
import { grantsOf, holdsOf, type Tenure, type Tenures } from './tenures.ts';

/** What one node has of a task that runs once in the cluster. */
export interface SingletonTask extends AsyncDisposable {
  readonly name: string;
  readonly status: SingletonStatus;
  /** Disposing the result removes the listener. What a listener throws is logged. */
  on<K extends keyof SingletonEvents>(event: K, listener: EventListener<SingletonEvents[K]>): Disposable;
  /**
   * Tells a run to stop, waits for it for `stopWithinMs`, and leaves the task to other nodes, as far as they come to lead.
   * To be disposed of before its cluster is stopped. Idempotent.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

const SOURCE_BACKOFF = { baseMs: 250, maxMs: 30_000 };

/** Of each election, the tasks that there are: two of one name would claim with one token, and be taken for one. */
const names = new WeakMap<LeaderElection, Set<string>>();

/**
 * Runs something on one node at a time: on the leader. Made on every node, with the same name and options.
 *
 * Two runs don't overlap as long as what they do obeys the signal within `stopWithinMs`; what must not happen twice
 * even so carries the token, and is refused outside when a higher one was seen.
 * @param run as long as it takes: until the signal aborts, or until there is nothing more to do
 * @throws ClusterError `INVALID_OPTIONS`, also when the election has a task of this name here
 */
export function singletonTask(
  led: Led,
  name: string,
  run: (run: SingletonRun) => unknown,
  options: SingletonOptions = {},
): SingletonTask {
  if (!isTaskName(name)) {
    throw invalidOption('singletonTask', 'name', '1 to 128 letters, digits, ".", "_", ":", "/" and "-"', name);
  }
  const settings = readSingletonOptions(options);
  const { election, system } = led;
  const taken = names.get(election) ?? new Set();
  names.set(election, taken);
  if (taken.has(name)) throw new ClusterError('INVALID_OPTIONS', `singletonTask: there is a task ${name} already`);
  taken.add(name);
  const tenures = settings.locks === undefined ? grantsOf(election) : holdsOf(settings.locks, name);
  const board = new TaskBoard(name, settings, system);
  return new RunningTask(board, tenures, run, () => taken.delete(name));
}

class RunningTask implements SingletonTask {
  readonly #board: TaskBoard;
  readonly #tenures: Tenures;
  readonly #attempts: Attempts;
  readonly #serve: (tenure: Tenure, signal: AbortSignal) => Promise<void>;
  readonly #onEnd: () => void;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  constructor(board: TaskBoard, tenures: Tenures, run: (run: SingletonRun) => unknown, onEnd: () => void) {
    this.#board = board;
    this.#tenures = tenures;
    this.#onEnd = onEnd;
    this.#attempts = new Attempts(board, run);
    this.#serve = this.#service();
    this.#ended = this.#live();
  }

  get name(): string {
    return this.#board.task;
  }

  get status(): SingletonStatus {
    return this.#board.status;
  }

  on<K extends keyof SingletonEvents>(event: K, listener: EventListener<SingletonEvents[K]>): Disposable {
    return this.#board.emitter.on(event, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ClusterError('CLOSED', `the task ${this.name} was disposed of`));
    await this.#ended;
  }

  /** One tenure after the other. Never rejects. */
  async #live(): Promise<void> {
    const { clock, random } = this.#board;
    const { signal } = this.#closing;
    const backoff = new Backoff(random, SOURCE_BACKOFF);
    while (!signal.aborted) {
      try {
        for await (const tenure of this.#tenures({ signal })) {
          backoff.reset();
          await this.#hold(tenure);
        }
        break;
      } catch (error) {
        if (signal.aborted || isClusterError(error, 'CLOSED')) break;
        this.#board.warn('what decides who runs it has failed', error);
        await sleep(clock, backoff.next(), { signal }).catch(() => undefined);
      }
    }
    this.#board.show({ state: 'closed', token: undefined, nextSlot: undefined });
    this.#board.instruments[Symbol.dispose]();
    // The name stays taken for as long as something of it runs.
    const { leftover } = this.#attempts;
    if (leftover === undefined) this.#onEnd();
    else void leftover.then(this.#onEnd);
  }

  /** From the beginning of a tenure to its end. */
  async #hold(tenure: Tenure): Promise<void> {
    const { clock, settings } = this.#board;
    using link = linkSignals(tenure.signal, this.#closing.signal);
    const { signal } = link;
    try {
      this.#board.show({ state: 'settling', token: tenure.token });
      await sleep(clock, settings.startAfterMs, { signal });
      await this.#attempts.vacant(signal);
      await this.#serve(tenure, signal);
      await ended(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#board.show({ state: 'waiting', token: undefined, nextSlot: undefined });
    }
  }

  #service(): (tenure: Tenure, signal: AbortSignal) => Promise<void> {
    const { schedule: when, claims = new TenureClaims() } = this.#board.settings;
    if (when !== undefined) {
      const schedule = scheduleOf(when);
      return (tenure, signal) => new SlotLoop(this.#board, schedule, claims, this.#attempts, tenure, signal).run();
    }
    return async (tenure, signal) => {
      const end = await this.#attempts.run(tenure, signal, undefined);
      if (end !== 'stopped') this.#board.show({ state: 'done' });
    };
  }
}

/** Resolves when the signal has aborted. */
async function ended(signal: AbortSignal): Promise<void> {
  await settleWithin<never>(signal, 'hold', () => () => undefined).catch(() => undefined);
}
