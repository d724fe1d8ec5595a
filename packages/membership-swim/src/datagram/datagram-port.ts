import {
  type Address,
  ClusterError,
  type DatagramSocket,
  formatAddress,
  type Net,
  type RefusedDatagram,
  toClusterError,
} from '@quorate/core';

import type { RateLimitedLog } from '../rate-limited-log.ts';
import type { DatagramRefusal, DatagramSeal } from './datagram-seal.ts';
import type { Party } from './party.ts';

/** So that a datagram fits into one packet of Ethernet, whatever tunnels it passes through. */
export const MAX_DATAGRAM_BYTES = 1400;
/** The most that is read: others may have other limits. */
const MAX_READ_BYTES = 9000;

export interface DatagramPortOptions {
  readonly net: Net;
  readonly seal: DatagramSeal;
  readonly log: RateLimitedLog;
  receive(from: Party, payload: Uint8Array, address: Address): void;
  /** Now and then, of those that are no accident. */
  refused(refused: RefusedDatagram): void;
}

/** Counted since the port was opened. */
export interface DatagramCounts {
  sent: number;
  sentBytes: number;
  received: number;
  receivedBytes: number;
  /** Not believed, by reason. */
  readonly refused: Partial<Record<DatagramRefusal, number>>;
}

const EXPLANATIONS: Readonly<Record<DatagramRefusal, string>> = {
  'not-ours': 'it is none of a Quorate cluster',
  version: 'it is of another version of the format',
  protection: 'of the two sides one has a secret and the other has none',
  'unknown-key': 'its secret is not accepted here, or its cluster has another name',
  misaddressed: 'it is for another node, or an earlier run of this one',
  replayed: 'it came before',
  'too-old': 'it is so late that it may have come before',
  altered: 'it is not as its sender made it',
  flooded: 'too many of late were altered to open all, and it comes from where no sender is known',
  sender: 'its sender is not the one that its session belongs to',
  stale: 'it is from a run of its sender that has ended',
};

/** Sealed datagrams to and from other nodes, over UDP. */
export class DatagramPort implements AsyncDisposable {
  readonly counts: DatagramCounts = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, refused: {} };
  readonly #options: DatagramPortOptions;
  #socket: DatagramSocket | undefined;
  #closed = false;

  constructor(options: DatagramPortOptions) {
    this.#options = options;
  }

  /**
   * Resolves to the bound address.
   * @throws ClusterError `IO` when the port is taken, `CLOSED`
   */
  async bind(address: Address): Promise<Address> {
    const socket = await this.#bind(address);
    if (this.#closed) {
      await socket[Symbol.asyncDispose]();
      throw new ClusterError('CLOSED', 'membership-swim: disposed while it started');
    }
    this.#socket = socket;
    return socket.address;
  }

  /** At most once, and no error. */
  send(to: Party, address: Address, payload: Uint8Array): void {
    if (this.#socket === undefined || this.#closed) return;
    const datagram = this.#options.seal.seal(to, payload);
    this.counts.sent += 1;
    this.counts.sentBytes += datagram.length;
    this.#socket.send(datagram, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#options.seal[Symbol.dispose]();
    await this.#socket?.[Symbol.asyncDispose]();
  }

  async #bind(address: Address): Promise<DatagramSocket> {
    try {
      return await this.#options.net.bindDatagram(address, (bytes, from) => this.#receive(bytes, from));
    } catch (error) {
      const { message } = toClusterError(error, 'IO', `bind ${formatAddress(address)}`);
      const hint = 'it is that of bind, unless the option port of swimMembership is another';
      throw new ClusterError('IO', `the UDP port cannot be had: ${message}; ${hint}`, { cause: error });
    }
  }

  #receive(datagram: Uint8Array, address: Address): void {
    if (this.#closed) return;
    this.counts.received += 1;
    this.counts.receivedBytes += datagram.length;
    const opened =
      datagram.length > MAX_READ_BYTES
        ? { refused: 'not-ours' as const }
        : this.#options.seal.open(datagram, formatAddress(address));
    if ('refused' in opened) this.#refuse(opened.refused, address);
    else this.#options.receive(opened.from, opened.payload, address);
  }

  #refuse(reason: DatagramRefusal, address: Address): void {
    const { refused } = this.counts;
    refused[reason] = (refused[reason] ?? 0) + 1;
    // Networks delay datagrams, and a node that was restarted is taken for its former self for a while.
    if (reason === 'too-old' || reason === 'misaddressed' || reason === 'stale') return;
    const message = `refused a datagram from ${formatAddress(address)}: ${EXPLANATIONS[reason]}`;
    if (!this.#options.log.warn(`datagram ${reason}`, message)) return;
    this.#options.refused({ remote: address, error: new ClusterError('REFUSED', message) });
  }
}
