import {
  type Address,
  type CallOptions,
  ClusterError,
  type DatagramSocket,
  formatAddress,
  type Listener,
  type Net,
  settleWithin,
  type Socket,
  type SocketHandler,
} from '@quorate/core';

import type { SimulatedHost } from './host.ts';
import type { SimulatedProcess } from './process.ts';
import { Dial } from './dial.ts';
import { isOwn, type Network } from './sim-network.ts';
import type { SimulatedSocket } from './sim-socket.ts';

/** The largest payload that UDP carries; larger ones are lost. */
const MAX_DATAGRAM_BYTES = 65_507;
/** Datagrams that wait for a paused process; more are lost. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** The network as one process sees it; it ends with the process. */
export class ProcessNet implements Net {
  readonly #network: Network;
  readonly #host: SimulatedHost;
  readonly #process: SimulatedProcess;

  constructor(network: Network, host: SimulatedHost, process: SimulatedProcess) {
    this.#network = network;
    this.#host = host;
    this.#process = process;
  }

  connect(address: Address, handler: SocketHandler, options: CallOptions = {}): Promise<Socket> {
    const what = `connect to ${formatAddress(address)}`;
    return settleWithin<Socket>(options.signal, what, (resolve, reject) => {
      if (!this.#process.alive) return () => undefined;
      const owner = { host: this.#host, process: this.#process };
      const dial = new Dial(this.#network, owner, address, {
        connected: (socket) => {
          socket.attach(handler);
          resolve(socket);
        },
        failed: (why) => reject(new ClusterError('DISCONNECTED', `${what}: ${why}`)),
      });
      return () => dial[Symbol.dispose]();
    });
  }

  async listen(address: Address, accept: (socket: Socket) => SocketHandler): Promise<Listener> {
    this.#checkOwn(address);
    // A crash in the middle of an operation leaves code of the process that is still to return.
    if (!this.#process.alive) return this.#never();
    const { listeners } = this.#network.kernel(this.#host);
    const take = (socket: SimulatedSocket) => accept(socket);
    const bound = listeners.bind(address, this.#process, take);
    await this.#turn();
    return { address: bound, [Symbol.asyncDispose]: () => this.#release(() => listeners.release(bound.port, take)) };
  }

  async bindDatagram(address: Address, receive: (payload: Uint8Array, from: Address) => void): Promise<DatagramSocket> {
    this.#checkOwn(address);
    if (!this.#process.alive) return this.#never();
    const { datagrams } = this.#network.kernel(this.#host);
    const bound = datagrams.bind(address, this.#process, receive);
    await this.#turn();
    return {
      address: bound,
      send: (payload, to) => this.#send(payload, to, bound.port),
      [Symbol.asyncDispose]: () => this.#release(() => datagrams.release(bound.port, receive)),
    };
  }

  #send(payload: Uint8Array, to: Address, fromPort: number): void {
    const target = this.#network.resolve(this.#host, to.host);
    if (!this.#process.alive || target === undefined || payload.length > MAX_DATAGRAM_BYTES) return;
    const { engine, links, random } = this.#network;
    const link = links.get(this.#host.name, target.name);
    const copy = payload.slice();
    const arrive = () => this.#arrive(target, to, copy, fromPort);
    if (random.next() < link.loss) {
      this.#network.sayBytes(this.#host, target, copy, ', datagram lost');
      return;
    }
    const delay = this.#network.delay(link);
    const held = random.next() < link.reorder ? this.#network.delay(link) * 4 : 0;
    engine.at(engine.now + delay + held, arrive);
    if (random.next() < link.duplicate) engine.at(engine.now + delay + this.#network.delay(link), arrive);
  }

  #arrive(target: SimulatedHost, to: Address, payload: Uint8Array, fromPort: number): void {
    const { engine, links } = this.#network;
    const binding = this.#network.kernel(target).datagrams.get(to.port, to.host);
    const isBlocked = links.isBlocked(this.#host.name, target.name);
    if (isBlocked || binding === undefined || binding.waiting + payload.length > RECEIVE_BUFFER_BYTES) {
      this.#network.sayBytes(this.#host, target, payload, ', datagram dropped');
      return;
    }
    this.#network.sayBytes(this.#host, target, payload, ', datagram');
    binding.waiting += payload.length;
    engine.enter(binding.process, () => {
      binding.waiting -= payload.length;
      if (!binding.released) binding.value(payload.slice(), { host: this.#host.address, port: fromPort });
    });
  }

  #checkOwn(address: Address): void {
    if (isOwn(this.#host, address.host)) return;
    throw new ClusterError('IO', `${address.host} is no address of host ${this.#host.name}`);
  }

  /** Resolves in a later turn of the process: never, once it is dead. */
  #turn(): Promise<void> {
    const { engine } = this.#network;
    return new Promise((resolve) => {
      engine.enterAt(engine.now, this.#process, resolve);
    });
  }

  #never(): Promise<never> {
    return new Promise(() => undefined);
  }

  #release(release: () => void): Promise<void> {
    if (this.#process.alive) release();
    return this.#turn();
  }
}
