import {
  type Address,
  checkOptions,
  type Clock,
  ClusterError,
  formatAddress,
  type OptionRules,
  rule,
} from '@quorate/core';

import type { Hello } from './frames.ts';
import type { Link } from './link.ts';

/** A message on its way between two transports. */
export interface RoutedMessage {
  readonly from: Address;
  readonly to: Address;
  /** Its size as if it were on a wire. */
  readonly bytes: number;
  /**
   * Whether it may be lost, duplicated or overtaken: true of one-way messages. All others are parts of handshakes,
   * requests and streams: they may come late, but in their order, or else nothing more of them comes.
   */
  readonly lossy: boolean;
  /** The clock of the process that it is for. Absent where it is for whoever is there by then, as a dial is. */
  readonly receiver?: Clock;
  /** Hands it to the receiver. To be called in a later turn. */
  readonly deliver: () => void;
  /** Instead, where the receiving process is gone: ends the sender's connection. One function per connection. */
  readonly reset: () => void;
}

/** Decides when, and whether, a message arrives. */
export type MessageRoute = (message: RoutedMessage) => void;

/** What `memoryNetwork` is told. */
export interface MemoryNetworkOptions {
  /**
   * Takes every message over, to delay, drop or duplicate it.
   * @default delivers in the receiver's next turn
   */
  readonly route?: MessageRoute;
}

/** What transports in one program meet in. Networks know nothing of each other. */
export interface MemoryNetwork {
  /** Where somebody listens now, in no order. */
  readonly addresses: readonly Address[];
}

const rules: OptionRules<MemoryNetworkOptions> = {
  route: rule.value<MessageRoute>('a function', (value) => typeof value === 'function'),
};

export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Hub(checkOptions('memoryNetwork', rules, options).route);
}

/** Whoever listens at an address. */
export interface Endpoint {
  readonly nodeId: string;
  readonly address: Address;
  readonly clock: Clock;
  /** Somebody dialled, and waits at the other end of a link. */
  accept(dialler: Link, hello: Hello): void;
  /** The node was started anew here, so this process is gone. */
  replaced(): void;
}

const FIRST_FREE_PORT = 49_152;
const LAST_PORT = 65_535;

export class Hub implements MemoryNetwork {
  readonly #route: MessageRoute | undefined;
  readonly #endpoints = new Map<string, Endpoint>();
  #nextPort = FIRST_FREE_PORT;

  constructor(route: MessageRoute | undefined) {
    this.#route = route;
  }

  get addresses(): readonly Address[] {
    return Array.from(this.#endpoints.values(), ({ address }) => address);
  }

  at(address: Address): Endpoint | undefined {
    return this.#endpoints.get(formatAddress(address));
  }

  freePort(host: string): number {
    for (let tries = FIRST_FREE_PORT; tries <= LAST_PORT; tries += 1) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_FREE_PORT : port + 1;
      if (this.at({ host, port }) === undefined) return port;
    }
    throw new ClusterError('IO', `no free port is left on ${host}`);
  }

  /**
   * A node may bind an address that it has already: then its former process died without a word.
   * @throws ClusterError `IO` when another node has the address
   */
  bind(endpoint: Endpoint): void {
    const former = this.at(endpoint.address);
    if (former !== undefined && former.nodeId !== endpoint.nodeId) {
      throw new ClusterError('IO', `${formatAddress(endpoint.address)} is in use by node ${former.nodeId}`);
    }
    former?.replaced();
    this.#endpoints.set(formatAddress(endpoint.address), endpoint);
  }

  unbind(endpoint: Endpoint): void {
    if (this.at(endpoint.address) === endpoint) this.#endpoints.delete(formatAddress(endpoint.address));
  }

  /** @param receiver in whose turn it is delivered where there is no route */
  carry(message: RoutedMessage, receiver: Clock): void {
    if (this.#route === undefined) receiver.defer(message.deliver);
    else this.#route(message);
  }
}
