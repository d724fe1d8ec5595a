import { runTurns } from './drain.ts';
import { EventQueue, type Scheduled } from './event-queue.ts';
import type { SimulatedProcess } from './process.ts';
import { type Seed } from './seeded-random.ts';
import { TraceRecorder } from './trace.ts';

const LINES_OF_A_FAILURE = 40;
/** So many events at one moment are taken for a loop. */
const MAX_EVENTS_AT_ONCE = 1_000_000;

/** True time, and the one queue of all that is going to happen. */
export class Engine {
  readonly seed: Seed;
  readonly trace: TraceRecorder;
  readonly #queue = new EventQueue();
  readonly #checks = new Set<() => void>();
  #now = 0;
  #eventsNow = 0;
  #running = false;
  /** Whether code from outside ran since microtasks were last drained. */
  #ranCode = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(seed: Seed, traceLines: number) {
    this.seed = seed;
    this.trace = new TraceRecorder(traceLines);
  }

  /** True time in milliseconds, in whole microseconds. */
  get now(): number {
    return this.#now;
  }

  onStep(check: () => void): Disposable {
    this.#checks.add(check);
    return { [Symbol.dispose]: () => void this.#checks.delete(check) };
  }

  /** Runs something of the simulator's own, which calls nobody. */
  at(time: number, run: () => void): Scheduled {
    return this.#queue.add(this.quantize(time), run);
  }

  /** Runs code from outside: microtasks are drained after it. */
  callAt(time: number, run: () => void): Scheduled {
    return this.at(time, () => this.#call(run));
  }

  /** Runs code of a process: not while it is paused, and never once it is dead. */
  enterAt(time: number, process: SimulatedProcess, run: () => void): Scheduled {
    return this.at(time, () => this.enter(process, run));
  }

  /** As `enterAt`, from an event of now. */
  enter(process: SimulatedProcess, run: () => void): void {
    if (!process.alive) return;
    if (process.paused) process.park(run);
    else this.#call(run);
  }

  cancel(event: Scheduled): void {
    this.#queue.cancel(event);
  }

  /** Ends the run with this error once the current event is over. */
  fail(cause: unknown): void {
    this.#failure ??= { cause };
  }

  /**
   * Lets things happen until `until`, or until `done` says so after one of them; tells which.
   * @throws Error with seed, time and the end of the trace, when a process or a check threw
   */
  async run(until: number, done?: () => boolean): Promise<boolean> {
    if (this.#running) throw new Error('the world is already running: await one run before the next');
    this.#running = true;
    // What the test did between two runs may have left microtasks too.
    this.#ranCode = true;
    let met = false;
    try {
      await runTurns(() => {
        met = this.#afterEvent(done);
        if (met) return false;
        if (this.#advance(until)) return true;
        this.#now = Math.max(this.#now, this.quantize(until));
        return false;
      });
      return met;
    } catch (error) {
      throw this.describe(error);
    } finally {
      this.#running = false;
    }
  }

  /** In whole microseconds, and not in the past. */
  quantize(time: number): number {
    return Math.max(this.#now, Math.ceil(time * 1000 - 1e-3) / 1000);
  }

  /** The error with all that is needed to see what happened and to see it again. */
  describe(cause: unknown): Error {
    const what = cause instanceof Error ? cause.message : String(cause);
    const replay = `seed ${JSON.stringify(this.seed)}, true time ${this.#now.toFixed(3)} ms`;
    const trace = this.trace.text(LINES_OF_A_FAILURE);
    return new Error(`${what}\n  ${replay}\n  trace, hash ${this.trace.hash}:\n${trace}`, { cause });
  }

  /** Runs events up to and including the first that leaves microtasks. False when none is due. */
  #advance(until: number): boolean {
    for (;;) {
      const event = this.#queue.take(until);
      if (event === undefined) return false;
      const run = event.run;
      event.run = undefined;
      this.#advanceTo(event.time);
      run?.();
      if (this.#ranCode) return true;
    }
  }

  /** @throws Error when time stands still */
  #advanceTo(time: number): void {
    this.#eventsNow = time === this.#now ? this.#eventsNow + 1 : 0;
    this.#now = time;
    if (this.#eventsNow > MAX_EVENTS_AT_ONCE) {
      throw new Error(`time stands still: more than ${MAX_EVENTS_AT_ONCE} events at one moment`);
    }
  }

  #call(run: () => void): void {
    this.#ranCode = true;
    this.trace.mix(this.#now);
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  #afterEvent(done: (() => boolean) | undefined): boolean {
    if (this.#failure !== undefined) {
      const { cause } = this.#failure;
      this.#failure = undefined;
      throw cause;
    }
    if (this.#ranCode) for (const check of this.#checks) check();
    this.#ranCode = false;
    return done?.() === true;
  }
}
