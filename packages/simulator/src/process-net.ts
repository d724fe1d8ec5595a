import {
  type Address,
  type CertificateDetails,
  type CertificateSet,
  ClusterError,
  type ConnectOptions,
  type DatagramOptions,
  type DatagramSocket,
  formatAddress,
  type Listener,
  type ListenOptions,
  type MulticastOptions,
  type Net,
  settleWithin,
  type Socket,
  type SocketHandler,
  type StreamSecurity,
} from '@quorate/core';

import type { SimulatedHost } from './host.ts';
import type { SimulatedProcess } from './process.ts';
import { Dial } from './dial.ts';
import { wallTimeAt } from './host-clock.ts';
import { SecureAcceptor } from './secure-acceptor.ts';
import { SecureHandshake } from './secure-handshake.ts';
import { SecuredSocket } from './secured-socket.ts';
import { type Binding, type GroupMember, isMulticast, isOwn, type Network, type Receive } from './sim-network.ts';
import type { SimulatedSocket } from './sim-socket.ts';
import { inspectSimulated } from './simulated-certificates.ts';

/** The largest payload that UDP carries; larger ones are lost. */
const MAX_DATAGRAM_BYTES = 65_507;
/** Datagrams that wait for a paused process; more are lost. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** Who waits for a connection. */
interface Waiting {
  readonly what: string;
  readonly resolve: (socket: Socket) => void;
  readonly reject: (error: unknown) => void;
}

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

  inspectCertificates(certificates: CertificateSet): CertificateDetails {
    return inspectSimulated(certificates, this.#wallTime());
  }

  connect(address: Address, handler: SocketHandler, options: ConnectOptions = {}): Promise<Socket> {
    const what = `connect to ${formatAddress(address)}`;
    return settleWithin<Socket>(options.signal, what, (resolve, reject) => {
      if (!this.#process.alive) return () => undefined;
      const owner = { host: this.#host, process: this.#process };
      let handshake: SecureHandshake | undefined;
      const dial = new Dial(this.#network, owner, address, {
        connected: (socket) => {
          if (options.security !== undefined) {
            handshake = this.#secure(socket, options.security, handler, { resolve, reject, what });
            return;
          }
          socket.attach(handler);
          resolve(socket);
        },
        failed: (why, code) => {
          const cause = code && Object.assign(new Error(why), { code });
          reject(new ClusterError('DISCONNECTED', `${what}: ${why}`, { cause }));
        },
      });
      return () => {
        dial[Symbol.dispose]();
        handshake?.[Symbol.dispose]();
      };
    });
  }

  async listen(
    address: Address,
    accept: (socket: Socket) => SocketHandler,
    options: ListenOptions = {},
  ): Promise<Listener> {
    this.#checkOwn(address);
    // A crash in the middle of an operation leaves code of the process that is still to return.
    if (!this.#process.alive) return this.#never();
    const { listeners } = this.#network.kernel(this.#host);
    const take = this.#acceptor(accept, options);
    const bound = listeners.bind(address, this.#process, take);
    await this.#turn();
    return { address: bound, [Symbol.asyncDispose]: () => this.#release(() => listeners.release(bound.port, take)) };
  }

  async bindDatagram(address: Address, receive: Receive, options: DatagramOptions = {}): Promise<DatagramSocket> {
    this.#checkOwn(address);
    if (!this.#process.alive) return this.#never();
    if (options.multicast !== undefined) return await this.#joinGroup(address, receive, options.multicast);
    const { datagrams, members } = this.#network.kernel(this.#host);
    if ([...members].some(({ port }) => port === address.port)) throw inUse(address);
    const bound = datagrams.bind(address, this.#process, receive);
    await this.#turn();
    return {
      address: bound,
      send: (payload, to) => this.#send(payload, to, bound.port, 1),
      [Symbol.asyncDispose]: () => this.#release(() => datagrams.release(bound.port, receive)),
    };
  }

  #secure(
    socket: SimulatedSocket,
    security: StreamSecurity,
    handler: SocketHandler,
    { resolve, reject, what }: Waiting,
  ): SecureHandshake {
    const fail = (error: ClusterError) =>
      reject(new ClusterError(error.code, `${what}: ${error.message}`, { cause: error }));
    const handshake = SecureHandshake.dial({
      socket,
      security,
      random: this.#network.random,
      wallTime: () => this.#wallTime(),
      secured: (secured) => {
        resolve(new SecuredSocket(socket, secured));
        return handler;
      },
      failed: fail,
      gone: () => fail(new ClusterError('DISCONNECTED', 'the connection was closed during the handshake')),
    });
    socket.attach(handshake.handler);
    handshake.begin();
    return handshake;
  }

  #acceptor(
    accept: (socket: Socket) => SocketHandler,
    options: ListenOptions,
  ): (socket: SimulatedSocket) => SocketHandler {
    const { security } = options;
    if (security === undefined) return (socket) => accept(socket);
    const { engine, random } = this.#network;
    const parts = { engine, random, process: this.#process, wallTime: () => this.#wallTime() };
    const acceptor = new SecureAcceptor(parts, security, options, accept);
    return (socket) => acceptor.take(socket);
  }

  #wallTime(): number {
    return wallTimeAt(this.#network.engine.now);
  }

  async #joinGroup(address: Address, value: Receive, multicast: MulticastOptions): Promise<DatagramSocket> {
    const { group, interface: through = this.#host.address, ttl } = multicast;
    if (!isMulticast(group) || address.port === 0) throw new ClusterError('IO', `${group} is no multicast group`);
    // In IPv6 an interface is named, and every host has one.
    if (!through.startsWith('::%')) this.#checkOwn({ host: through, port: 0 });
    const { datagrams, members } = this.#network.kernel(this.#host);
    if (datagrams.get(address.port, this.#host.address) !== undefined) throw inUse(address);
    const { host, port } = address;
    const member: GroupMember = { group, host, port, process: this.#process, value, waiting: 0, released: false };
    members.add(member);
    await this.#turn();
    const leave = () => {
      member.released = true;
      members.delete(member);
    };
    return {
      address,
      send: (payload, to) => {
        if (!member.released) this.#send(payload, to, port, ttl);
      },
      [Symbol.asyncDispose]: () => this.#release(leave),
    };
  }

  #send(payload: Uint8Array, to: Address, fromPort: number, ttl: number): void {
    if (!this.#process.alive || payload.length > MAX_DATAGRAM_BYTES) return;
    const copy = payload.slice();
    for (const target of this.#targets(to, ttl)) {
      this.#dispatch(target, copy, () => this.#arrive(target, to, copy, fromPort));
    }
  }

  #targets(to: Address, ttl: number): readonly SimulatedHost[] {
    if (isMulticast(to.host)) return this.#network.inGroup(to).filter((host) => ttl > 0 || host === this.#host);
    const target = this.#network.resolve(this.#host, to.host);
    return target === undefined ? [] : [target];
  }

  /** Loses, delays, holds back and doubles as the link does. */
  #dispatch(target: SimulatedHost, payload: Uint8Array, arrive: () => void): void {
    const { engine, links, random } = this.#network;
    const link = links.get(this.#host.name, target.name);
    if (random.next() < link.loss) {
      this.#network.sayBytes(this.#host, target, payload, ', datagram lost');
      return;
    }
    const delay = this.#network.delay(link);
    const held = random.next() < link.reorder ? this.#network.delay(link) * 4 : 0;
    engine.at(engine.now + delay + held, arrive);
    if (random.next() < link.duplicate) engine.at(engine.now + delay + this.#network.delay(link), arrive);
  }

  #arrive(target: SimulatedHost, to: Address, payload: Uint8Array, fromPort: number): void {
    const { datagrams, members } = this.#network.kernel(target);
    const isBlocked = this.#network.links.isBlocked(this.#host.name, target.name);
    const single = datagrams.get(to.port, to.host);
    const bound: readonly Binding<Receive>[] = isMulticast(to.host)
      ? [...members].filter(({ group, port }) => group === to.host && port === to.port)
      : single === undefined
        ? []
        : [single];
    const open = isBlocked ? [] : bound.filter(({ waiting }) => waiting + payload.length <= RECEIVE_BUFFER_BYTES);
    if (open.length === 0) this.#network.sayBytes(this.#host, target, payload, ', datagram dropped');
    for (const binding of open) this.#deliver(binding, target, payload, fromPort);
  }

  #deliver(binding: Binding<Receive>, target: SimulatedHost, payload: Uint8Array, fromPort: number): void {
    this.#network.sayBytes(this.#host, target, payload, ', datagram');
    binding.waiting += payload.length;
    this.#network.engine.enter(binding.process, () => {
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

function inUse(address: Address): ClusterError {
  return new ClusterError('IO', `${formatAddress(address)} is in use`);
}
