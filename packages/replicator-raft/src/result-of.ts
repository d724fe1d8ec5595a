import { ClusterError } from '@quorate/core';
import type { Settled } from '@quorate/raft-host';

/** @throws ClusterError what the log said of the command instead */
export function resultOf<R>({ outcome }: Settled<R>): R {
  if (!outcome.ok) throw outcome.error;
  if (outcome.kind !== 'result') throw new ClusterError('PROTOCOL', `a command was answered with ${outcome.kind}`);
  return outcome.result;
}
