import { type Clock, Emitter, type Logger, type Random, type Telemetry, telemetryOf } from '@quorate/core';
import type { Led } from '../leading/led.ts';
import type { SingletonEvents, SingletonStatus } from './singleton-events.ts';
import { SingletonInstruments } from './singleton-instruments.ts';
import type { SingletonSettings } from './singleton-options.ts';

/** What all that belongs to one task shares: its name, its options, the machine, and what is told of it. */
export class TaskBoard {
  readonly task: string;
  readonly settings: SingletonSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly instruments: SingletonInstruments;
  readonly emitter: Emitter<SingletonEvents>;
  readonly #logger: Logger;
  #status: SingletonStatus;

  constructor(task: string, settings: SingletonSettings, system: Led['system']) {
    const { clock, random, logger } = system;
    this.task = task;
    this.settings = settings;
    this.clock = clock;
    this.random = random;
    this.#logger = logger;
    this.telemetry = telemetryOf(system);
    this.instruments = new SingletonInstruments(this.telemetry, task, () => {
      const { state } = this.#status;
      return state === 'running' || state === 'stopping';
    });
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
    this.instruments.told(event);
    this.emitter.emit(event, payload);
  }

  warn(message: string, error?: unknown): void {
    const detail = error instanceof Error ? `: ${error.message}` : '';
    this.#logger.warn(`singleton ${this.task}: ${message}${detail}`, ...(error === undefined ? [] : [error]));
  }
}
