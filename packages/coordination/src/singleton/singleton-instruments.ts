import { aboutInstruments, type Counter, durationBuckets, type Histogram, type Telemetry } from '@quorate/core';
import type { SingletonEvents } from './singleton-events.ts';

const about = aboutInstruments('quorate.singleton');

const events = about(
  'events',
  '{event}',
  'What a task has told, by event: started, finished, failed, stopped and others',
);
const running = about('running', '{task}', '1 while this node runs the task, else 0');
const duration = {
  ...about('run.duration', 's', 'How long runs of the task took on this node, whatever they came to'),
  buckets: durationBuckets,
};

const EVENTS: readonly (keyof SingletonEvents)[] = [
  'started',
  'finished',
  'failed',
  'stopped',
  'overran',
  'ceased',
  'skipped',
  'held',
  'claimFailed',
];

/** What is measured of one task. */
export class SingletonInstruments implements Disposable {
  readonly duration: Histogram;
  readonly #events: ReadonlyMap<keyof SingletonEvents, Counter>;
  readonly #running: Disposable;

  constructor(telemetry: Telemetry, task: string, isRunning: () => boolean) {
    const of = { 'quorate.singleton.task': task };
    this.duration = telemetry.histogram(duration, of);
    this.#running = telemetry.gauge(running, (tell) => tell(isRunning() ? 1 : 0), of);
    this.#events = new Map(
      EVENTS.map((event) => [event, telemetry.counter(events, { ...of, 'quorate.singleton.event': event })]),
    );
  }

  told(event: keyof SingletonEvents): void {
    this.#events.get(event)?.add(1);
  }

  [Symbol.dispose](): void {
    this.#running[Symbol.dispose]();
  }
}
