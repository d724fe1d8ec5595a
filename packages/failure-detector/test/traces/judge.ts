import type { FailureDetectorFactory } from '../../src/index.ts';
import type { ArrivalTrace } from './arrival-trace.ts';

export interface Verdict {
  /** How often a node that lived was held for failed. */
  readonly falsePositives: number;
  /** From the end of the node to when it was held for failed, at the latest and without end. */
  readonly detectionMs: number;
}

/** Suspicion only grows between two heartbeats: asking just before each one is to ask always. */
export function judge(factory: FailureDetectorFactory, { arrivals, stoppedAt }: ArrivalTrace): Verdict {
  const detector = factory();
  let falsePositives = 0;
  for (const at of arrivals) {
    if (!detector.isAvailable(at)) falsePositives += 1;
    detector.heartbeat(at);
  }
  if (!detector.isAvailable(stoppedAt)) falsePositives += 1;
  let [early, late] = [stoppedAt, stoppedAt + 3_600_000];
  while (late - early > 0.5) {
    const middle = (early + late) / 2;
    if (detector.isAvailable(middle)) early = middle;
    else late = middle;
  }
  return { falsePositives, detectionMs: Math.round(late - stoppedAt) };
}
