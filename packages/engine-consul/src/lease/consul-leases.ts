import { ClusterError, invalidOption } from '@quorate/core';
import type { LeaseEngine } from '@quorate/lease';

import type { ConsulClient } from '../consul-client.ts';
import { ConsulLeaseStore } from './consul-lease-store.ts';
import { IdleKeys } from './idle-keys.ts';

/** How leases are kept in Consul. */
export interface ConsulLeasesOptions {
  /**
   * How long Consul is to keep a session that isn't renewed; it keeps it up to twice as long, and then lets nobody have its
   * keys for the time to live of the lease. Consul takes no less than 10 seconds unless its agents allow for it by
   * `session_ttl_min`.
   * @default 10000, and at least half the time to live of the lease
   */
  readonly sessionTtlMs?: number | undefined;
  /**
   * Whether a key stays when its lease is given back. It must where there is one lease: whoever follows it then tells a key
   * that was deleted from one that is free, whatever became of its session. Of leases of many names none is left that nobody has wanted for a time to live.
   */
  readonly keepsKeys: boolean;
}

/** The longest lock-delay that Consul knows. */
export const MAX_LEASE_TTL_MS = 60_000;
/** By Consul's own `session_ttl_min`, unless it was set. */
const SESSION_TTL_MS = 10_000;

/**
 * Leases that are keys of Consul, each held by a session. Only exclusive ones, and nobody queues: whoever asks first when it
 * is free has it.
 * @param client is disposed of with the leases
 */
export function consulLeases(client: ConsulClient, { sessionTtlMs, keepsKeys }: ConsulLeasesOptions): LeaseEngine {
  const idle = keepsKeys ? undefined : new IdleKeys(client.clock);
  return {
    supports: { fair: false, shared: false, semaphore: false },
    open: (request) => {
      const { ttlMs, share } = request;
      if (share.kind !== 'exclusive') {
        throw new ClusterError('UNSUPPORTED', `consul: a lease is exclusive, there is none to ${share.kind}`);
      }
      if (ttlMs > MAX_LEASE_TTL_MS) {
        throw invalidOption('consul', 'ttlMs', `at most ${MAX_LEASE_TTL_MS}, the longest lock-delay of Consul`, ttlMs);
      }
      const keptMs = Math.max(sessionTtlMs ?? SESSION_TTL_MS, ttlMs / 2);
      return new ConsulLeaseStore(client, request, { sessionTtlMs: keptMs, idle });
    },
    [Symbol.asyncDispose]: async () => {
      await idle?.close();
      await client[Symbol.asyncDispose]();
    },
  };
}
