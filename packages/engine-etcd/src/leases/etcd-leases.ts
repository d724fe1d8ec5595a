import type { System } from '@quorate/core';
import type { LeaseEngine, LeaseRequest, LeaseStore } from '@quorate/lease';

import type { EtcdClient } from '../etcd-client.ts';
import type { EtcdEngine } from '../etcd-engine.ts';
import { EtcdLeaseStore } from './etcd-lease-store.ts';

/** The leases of an etcd, for one part of one node. */
export function etcdLeases(engine: EtcdEngine, system: Pick<System, 'clock' | 'random'>): LeaseEngine {
  return new EtcdLeases(engine.open(system), system);
}

class EtcdLeases implements LeaseEngine {
  readonly supports: LeaseEngine['supports'] = { fair: true, shared: true, semaphore: true };
  readonly #client: EtcdClient;
  readonly #system: Pick<System, 'clock'>;

  constructor(client: EtcdClient, system: Pick<System, 'clock'>) {
    this.#client = client;
    this.#system = system;
  }

  open(request: LeaseRequest): LeaseStore {
    return new EtcdLeaseStore(request, { clock: this.#system.clock, client: this.#client });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }
}
