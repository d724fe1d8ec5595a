import {
  type Address,
  ClusterError,
  type DatagramSocket,
  formatAddress,
  type Net,
  toClusterError,
} from '@quorate/core';

import type { CheckedMulticastOptions } from './multicast-options.ts';

type Where = Pick<CheckedMulticastOptions, 'group' | 'port' | 'interface' | 'ttl'>;

/** The socket in the group: opened when it is first needed, and again when it has gone deaf. */
export class GroupSocket implements AsyncDisposable {
  readonly #net: Net;
  readonly #where: Where;
  readonly #receive: (payload: Uint8Array, from: Address) => void;
  #socket: DatagramSocket | undefined;
  #opening: Promise<void> | undefined;
  /** Resolves when nothing is being closed; never rejects. */
  #closing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(net: Net, where: Where, receive: (payload: Uint8Array, from: Address) => void) {
    this.#net = net;
    this.#where = where;
    this.#receive = receive;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** @throws ClusterError `IO` when the group cannot be joined, `CLOSED` */
  async open(): Promise<void> {
    if (this.#closed) throw disposed();
    if (this.#socket !== undefined) return;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  /** @throws ClusterError `IO` */
  async reopen(): Promise<void> {
    await this.#close();
    await this.open();
  }

  /** What cannot be sent is lost. */
  send(bytes: Uint8Array): void {
    this.#socket?.send(bytes, { host: this.#where.group, port: this.#where.port });
  }

  /** Doesn't wait for an opening under way, which may hang: what comes of it is closed when it comes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#close();
  }

  async #open(): Promise<void> {
    const { group, port, interface: through, ttl } = this.#where;
    const address = { host: group.includes(':') ? '::' : '0.0.0.0', port };
    const socket = await this.#join(address, { group, interface: through, ttl });
    if (this.#closed) {
      await socket[Symbol.asyncDispose]();
      throw disposed();
    }
    this.#socket = socket;
  }

  async #join(address: Address, multicast: Omit<Where, 'port'>): Promise<DatagramSocket> {
    try {
      return await this.#net.bindDatagram(address, this.#receive, { multicast });
    } catch (error) {
      const { group, interface: through = 'the default interface' } = multicast;
      throw toClusterError(error, 'IO', `join ${formatAddress({ ...address, host: group })} through ${through}`);
    }
  }

  async #close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return this.#closing;
    const closing = Promise.resolve(socket[Symbol.asyncDispose]());
    this.#closing = closing.catch(() => undefined);
    await closing;
  }
}

function disposed(): ClusterError {
  return new ClusterError('CLOSED', 'discovery-multicast: disposed');
}
