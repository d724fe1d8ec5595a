import { type Clock, Emitter, type Logger, type Random } from '@quorate/core';
import type { Led } from '../leading/led.ts';
import type { SingletonEvents, SingletonStatus } from './singleton-events.ts';
import type { SingletonSettings } from './singleton-options.ts';

/** What all that belongs to one task shares: its name, its options, the machine, and what is told of it. */
export class TaskBoard {
  readonly task: string;
  readonly settings: SingletonSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly emitter: Emitter<SingletonEvents>;
  readonly #logger: Logger;
  #status: SingletonStatus;

  constructor(task: string, settings: SingletonSettings, { clock, random, logger }: Led['system']) {
    this.task = task;
    this.settings = settings;
    this.clock = clock;
    this.random = random;
    this.#logger = logger;
    this.emitter = new Emitter((error, event) => this.warn(`a listener of ${event} threw`, error));
    this.#status = {
      task,
      state: 'waiting',
      token: undefined,
      isOverrunning: false,
      slot: undefined,
      outcome: undefined,
      nextSlot: undefined,
      lastError: undefined,
    };
  }

  get status(): SingletonStatus {
    return this.#status;
  }

  show(change: Partial<SingletonStatus>): void {
    if (this.#status.state === 'closed') return;
    this.#status = { ...this.#status, ...change };
  }

  emit<K extends keyof SingletonEvents>(event: K, payload: SingletonEvents[K]): void {
    this.emitter.emit(event, payload);
  }

  warn(message: string, error?: unknown): void {
    const detail = error instanceof Error ? `: ${error.message}` : '';
    this.#logger.warn(`singleton ${this.task}: ${message}${detail}`, ...(error === undefined ? [] : [error]));
  }
}
