import type { GroupLog } from '@quorate/core';
import type { ReplicatedMachine } from './replicated-machine.ts';
import { snapshotContent } from './snapshot-content.ts';

/**
 * Makes a fresh machine what the newest snapshot of the log says, if there is one.
 * @throws ClusterError `CORRUPT`, `IO`, `UNSUPPORTED`, `ABORTED`; what the machine throws
 */
export async function restoreNewest(
  machine: Pick<ReplicatedMachine<never, unknown, never, unknown>, 'restore'>,
  log: GroupLog,
  signal: AbortSignal,
): Promise<void> {
  const { snapshot } = log;
  if (snapshot === undefined) return;
  // A crash came between the snapshot and the cut.
  if (log.term(snapshot.index) !== snapshot.term) await log.truncatePrefix(snapshot.index, snapshot.term);
  await machine.restore(snapshotContent(log, snapshot), { signal });
}
