import type { System } from '@quorate/core';

import { type ConsulClient, HttpConsulClient } from './consul-client.ts';
import { type ConsulEngineOptions, type EngineSettings, readEngineOptions } from './engine-options.ts';
import type { HttpExchange } from './http-exchange.ts';
import { NodeHttpExchange } from './node/http-exchange.ts';

/**
 * One Consul, chosen and configured, for all the adapters of a program that stand on it. It is connected while somebody
 * uses it: the last client to be disposed of closes the connections.
 */
export interface ConsulEngine {
  /** Where it is, for messages: `http://127.0.0.1:8500`. */
  readonly address: string;
  /** A client of one part of one node. Without I/O. */
  open(system: Pick<System, 'clock'>): ConsulClient;
}

/**
 * Describes a Consul to adapters: `consulDiscovery({ engine: consulEngine({ address }) })`.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function consulEngine(options: ConsulEngineOptions = {}): ConsulEngine {
  const settings = readEngineOptions(options);
  return new SharedConsulEngine(settings, options.exchange ?? ((target) => new NodeHttpExchange(target)));
}

class SharedConsulEngine implements ConsulEngine {
  readonly address: string;
  readonly #settings: EngineSettings;
  readonly #connect: (target: URL) => HttpExchange;
  /** There while there are users. */
  #exchange: HttpExchange | undefined;
  #users = 0;

  constructor(settings: EngineSettings, connect: (target: URL) => HttpExchange) {
    this.address = settings.target.origin;
    this.#settings = settings;
    this.#connect = connect;
  }

  open({ clock }: Pick<System, 'clock'>): ConsulClient {
    this.#exchange ??= this.#connect(this.#settings.target);
    this.#users += 1;
    return new HttpConsulClient(clock, this.#settings, this.#exchange, () => this.#leave());
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#exchange?.[Symbol.dispose]();
    this.#exchange = undefined;
  }
}
