/**
 * @packageDocumentation
 *
 * Fenced locks on Consul: each is a key that is held by a session; together with `consul lock`.
 */
import type { Locks, Plugin } from '@quorate/core';
import { consulLeases, keyPart } from '@quorate/engine-consul';
import { leasedLocks } from '@quorate/lease';

import { type ConsulLocksOptions, readOptions } from './options.ts';

export type { ConsulLocksOptions } from './options.ts';

/** With less, one slow answer would cost the lock. */
const MIN_TTL_MS = 500;

/**
 * Locks that are keys of Consul; exclusive ones, for whoever asks first when they are free. The token is the index at which
 * the key was acquired.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function consulLocks(options: ConsulLocksOptions = {}): Plugin<Locks, 'locks'> {
  const { engine, prefix, sessionTtlMs, maxLocks } = readOptions(options);
  return leasedLocks('lock-consul', {
    open: (context) => consulLeases(engine.open(context), { sessionTtlMs, keepsKeys: false }),
    leaseName: ({ cluster }, lock) => {
      const below = prefix ?? `quorate/${keyPart(cluster.name)}/locks`;
      return `${below}/${lock.split('/').map(keyPart).join('/')}/.lock`;
    },
    minTtlMs: MIN_TTL_MS,
    maxLocks,
  });
}
