import { formatAddress, type System } from '@quorate/core';

import { type EngineSettings, type EtcdEngineOptions, readEngineOptions } from './engine-options.ts';
import type { EtcdClient } from './etcd-client.ts';
import { MemberSet } from './member-set.ts';
import { SharingClient } from './sharing-client.ts';

/**
 * One etcd, chosen and configured, for all adapters of a program that stand on it: those that are given the same engine
 * share its connections and its login. They are made when the first needs them and closed with the last.
 */
export interface EtcdEngine {
  /** Whom it asks, for messages: `10.0.0.1:2379, 10.0.0.2:2379`. */
  readonly place: string;
  /** A client for one part of one node, to be disposed of by it. Without I/O. */
  open(system: Pick<System, 'clock' | 'random'>): EtcdClient;
}

/**
 * Describes an etcd to adapters: `etcdDiscovery({ engine: etcdEngine({ endpoints }) })`.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function etcdEngine(options: EtcdEngineOptions): EtcdEngine {
  return new SharedEngine(readEngineOptions(options));
}

class SharedEngine implements EtcdEngine {
  readonly place: string;
  readonly #settings: EngineSettings;
  /** There while somebody uses it. */
  #members: MemberSet | undefined;
  #users = 0;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.place = settings.members.map(formatAddress).join(', ');
  }

  open({ clock, random }: Pick<System, 'clock' | 'random'>): EtcdClient {
    this.#members ??= new MemberSet(this.#settings, random);
    this.#users += 1;
    return new SharingClient({ clock, random, settings: this.#settings, members: this.#members }, () => this.#leave());
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#members?.[Symbol.dispose]();
    this.#members = undefined;
  }
}
