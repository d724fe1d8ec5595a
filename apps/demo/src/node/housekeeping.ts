import { setTimeout as delay } from 'node:timers/promises';
import { singletonTask, type SingletonTask } from '@quorate/coordination';
import type { Cluster } from '@quorate/core';
import type { BrokerReplicator } from '../http/broker.ts';
import type { LocalBroker } from './local-broker.ts';

const EVERY_MS = 1_000;
/** One round is over soon; so who takes over need not wait for long. */
const STOP_MS = 500;

/**
 * What is due in queues that nobody asks of takes effect all the same: whoever is elected sees to it, each second while there
 * is anything. Its fencing token goes along, so that who was replaced and doesn't know it yet is refused.
 */
export function keepHouse(
  cluster: Cluster<BrokerReplicator>,
  local: Pick<LocalBroker, 'usage'>,
  onFenced: (message: string) => void,
): SingletonTask {
  return singletonTask(
    cluster,
    'housekeeping',
    async ({ token, signal }) => {
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        const { messages, ids } = local.usage;
        if (isFirst || messages > 0 || ids > 0) {
          const result = await cluster.replicator.replicate({ type: 'housekeeping', token }, { signal });
          if (result.type === 'refused') {
            onFenced(result.message);
            return;
          }
        }
        await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    },
    { stopWithinMs: STOP_MS, restart: { baseMs: 100, maxMs: 2_000 } },
  );
}
