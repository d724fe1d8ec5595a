/** What of a process the event queue asks: whether its code may run. */
export class SimulatedProcess {
  /** Which start of its host this is, from 1. */
  readonly boot: number;
  #alive = true;
  #paused = false;
  /** What became due while it was paused, in order. Its makers bound it: timers by the process, bytes by the kernel. */
  readonly #parked: (() => void)[] = [];

  constructor(boot: number) {
    this.boot = boot;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  /** What is to run now, in order. */
  resume(): readonly (() => void)[] {
    this.#paused = false;
    return this.#parked.splice(0);
  }

  park(run: () => void): void {
    this.#parked.push(run);
  }

  kill(): void {
    this.#alive = false;
    this.#parked.length = 0;
  }
}
