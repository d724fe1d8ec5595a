import { setTimeout as delay } from 'node:timers/promises';
import { singletonTask, type SingletonTask, type SlotClaims } from '@quorate/coordination';
import type { Cluster } from '@quorate/core';
import { machineNow, type ReportSink } from './report.ts';

/** From one slot to the next. */
export const BELL_MS = 200;
/** Long enough for some leader to be killed over it. */
const RINGING_MS = 25;
/** Ringing is over soon; so who takes over need not wait for long. */
const STOP_MS = 200;

/**
 * What a cron job is in a cluster: at each slot the bell is rung, on whatever node leads then. The slots are claimed where the
 * ledger is kept. One that came while nobody led is made up for, and one whose leader died over it is rung again.
 */
export function ringBell(
  cluster: Pick<Cluster, 'election' | 'system' | 'nodes'>,
  claims: SlotClaims,
  report: ReportSink,
): SingletonTask {
  const ring: Parameters<typeof singletonTask>[2] = async ({ token, slot }) => {
    await delay(RINGING_MS);
    if (slot !== undefined) report({ type: 'rang', at: machineNow(), token, slot: slot.time, starts: slot.starts });
  };
  return singletonTask(cluster, 'bell', ring, {
    schedule: { everyMs: BELL_MS },
    claims,
    catchUp: 'all',
    onInterrupted: 'rerun',
    stopWithinMs: STOP_MS,
  });
}
