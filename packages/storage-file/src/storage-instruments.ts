import {
  aboutInstruments,
  countBuckets,
  durationBuckets,
  type Histogram,
  type HistogramAbout,
  type Telemetry,
} from '@quorate/core';

const about = aboutInstruments('quorate.storage');

const histograms = {
  sync: {
    ...about('log.sync.duration', 's', 'How long the disk took to write a frame of the log and make it durable'),
    buckets: durationBuckets,
  },
  write: {
    ...about(
      'log.write.duration',
      's',
      'From when the first change of a frame was taken on until the frame was durable',
    ),
    buckets: durationBuckets,
  },
  changes: {
    ...about('log.frame.changes', '{change}', 'Changes, of whatever groups, that became durable with one frame'),
    buckets: countBuckets,
  },
  record: {
    ...about('record.write.duration', 's', 'From when a small record was to be written until it was durable'),
    buckets: durationBuckets,
  },
} satisfies Record<string, HistogramAbout>;

const written = about('log.written.size', 'By', 'What was written to the log, frames with their filling');
const size = about('log.size', 'By', 'What the files of the log that are in use take on the disk');
const waiting = about('log.queue.size', 'By', 'What waits to be written to the log');

/** What is measured of the small records. */
export function recordDuration(telemetry: Telemetry): Histogram {
  return telemetry.histogram(histograms.record);
}

/** A log, as far as it is observed. */
interface ObservedLog {
  readonly bytes: number;
  readonly waitingBytes: number;
}

/** What is measured of a log. */
export class LogInstruments implements Disposable {
  readonly sync: Histogram;
  readonly write: Histogram;
  readonly changes: Histogram;
  writtenBytes = 0;
  readonly #observed: readonly Disposable[];

  constructor(telemetry: Telemetry, observe: () => ObservedLog) {
    this.sync = telemetry.histogram(histograms.sync);
    this.write = telemetry.histogram(histograms.write);
    this.changes = telemetry.histogram(histograms.changes);
    this.#observed = [
      telemetry.observedCounter(written, (tell) => tell(this.writtenBytes)),
      telemetry.gauge(size, (tell) => tell(observe().bytes)),
      telemetry.gauge(waiting, (tell) => tell(observe().waitingBytes)),
    ];
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}
