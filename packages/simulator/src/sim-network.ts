import { type Address, ClusterError, formatAddress, type Random, type SocketHandler } from '@quorate/core';

import type { Engine } from './engine.ts';
import type { SimulatedHost } from './host.ts';
import type { Link, Links } from './links.ts';
import type { SimulatedProcess } from './process.ts';
import type { SimulatedSocket } from './sim-socket.ts';

/** How long a kernel tries to get something across before it gives the connection up. */
export const GIVE_UP_MS = 15_000;
/** How much longer what was lost and sent again is under way. */
export const RETRANSMIT_MS = 200;

const FIRST_FREE_PORT = 49_152;
const PORTS = 65_536;
/** Addresses that stand for the host itself, or for all of its own. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);
const ANY = new Set(['0.0.0.0', '::']);

/** Someone bound to a port. */
export interface Binding<T> {
  readonly process: SimulatedProcess;
  readonly host: string;
  readonly value: T;
  /** Bytes or connections that the program has not been handed yet. */
  waiting: number;
  /** Whether the program let go of it. */
  released: boolean;
}

/** The streams and datagrams of one machine, as its kernel keeps them. */
export interface Kernel {
  readonly listeners: Ports<(socket: SimulatedSocket) => SocketHandler>;
  readonly datagrams: Ports<Receive>;
  readonly sockets: Set<SimulatedSocket>;
  /** Sockets that joined multicast groups: any number to a port. */
  readonly members: Set<GroupMember>;
}

/** A socket in a multicast group. */
export interface GroupMember extends Binding<Receive> {
  readonly group: string;
  readonly port: number;
}

export type Receive = (payload: Uint8Array, from: Address) => void;

/** What is common to all sockets of a world. */
export class Network {
  readonly engine: Engine;
  readonly links: Links;
  readonly random: Random;
  readonly find: (host: string) => SimulatedHost | undefined;
  readonly #kernels = new Map<SimulatedHost, Kernel>();

  constructor(engine: Engine, links: Links, random: Random, find: (host: string) => SimulatedHost | undefined) {
    this.engine = engine;
    this.links = links;
    this.random = random;
    this.find = find;
  }

  kernel(host: SimulatedHost): Kernel {
    const known = this.#kernels.get(host);
    if (known !== undefined) return known;
    const kernel = { listeners: new Ports(), datagrams: new Ports(), sockets: new Set(), members: new Set() } as Kernel;
    this.#kernels.set(host, kernel);
    return kernel;
  }

  /** Who is meant by a name that this host uses. */
  resolve(from: SimulatedHost, name: string): SimulatedHost | undefined {
    return LOOPBACK.has(name) || ANY.has(name) ? from : this.find(name);
  }

  /** The hosts with a socket in this group, in the order in which they first used the network. */
  inGroup({ host: group, port }: Address): readonly SimulatedHost[] {
    const isMember = (member: GroupMember) => member.group === group && member.port === port;
    return [...this.#kernels].filter(([, kernel]) => [...kernel.members].some(isMember)).map(([host]) => host);
  }

  delay(link: Link): number {
    return link.latencyMs + this.random.next() * link.jitterMs;
  }

  /** The host's process has died: its kernel lets go of all that was its own. */
  crashed(host: SimulatedHost): void {
    const kernel = this.kernel(host);
    kernel.listeners.clear();
    kernel.datagrams.clear();
    kernel.members.clear();
    for (const socket of kernel.sockets) socket.crashed(host.powered);
    kernel.sockets.clear();
  }

  say(from: SimulatedHost, to: SimulatedHost, what: string): void {
    this.engine.trace.say(this.engine.now, `${from.name} -> ${to.name} ${what}`);
  }

  /** A line that is put into words only when read. */
  sayBytes(from: SimulatedHost, to: SimulatedHost, bytes: Uint8Array, what: string): void {
    const { trace, now } = this.engine;
    trace.mix(now);
    trace.mixText(from.name);
    trace.mixText(to.name);
    trace.mixBytes(bytes);
    trace.mixText(what);
    const { length } = bytes;
    trace.line(now, () => `${from.name} -> ${to.name} ${length} bytes${what}`);
  }
}

/** What is bound to the ports of a host. */
class Ports<T> {
  readonly #bindings = new Map<number, Binding<T>>();
  #next = FIRST_FREE_PORT;

  /** Whoever is bound to the port and answers to this name of the host. */
  get(port: number, name: string): Binding<T> | undefined {
    const binding = this.#bindings.get(port);
    if (binding === undefined) return undefined;
    return LOOPBACK.has(binding.host) && !LOOPBACK.has(name) ? undefined : binding;
  }

  /** @throws ClusterError `IO` when the port is taken */
  bind(address: Address, process: SimulatedProcess, value: T): Address {
    const port = address.port === 0 ? this.free() : address.port;
    if (this.#bindings.has(port)) throw new ClusterError('IO', `${formatAddress(address)} is in use`);
    this.#bindings.set(port, { process, host: address.host, value, waiting: 0, released: false });
    return { host: address.host, port };
  }

  free(): number {
    for (let tries = FIRST_FREE_PORT; tries < PORTS; tries += 1) {
      const port = this.#next;
      this.#next = port + 1 === PORTS ? FIRST_FREE_PORT : port + 1;
      if (!this.#bindings.has(port)) return port;
    }
    throw new ClusterError('IO', 'no free port is left');
  }

  /** Lets go of a port, if it still has this value. */
  release(port: number, value: T): void {
    const binding = this.#bindings.get(port);
    if (binding?.value !== value) return;
    binding.released = true;
    this.#bindings.delete(port);
  }

  clear(): void {
    this.#bindings.clear();
  }
}

/** Whether datagrams for it go to a group: 224.0.0.0/4 or ff00::/8. */
export function isMulticast(host: string): boolean {
  return /^(?:22[4-9]|23\d)(?:\.\d{1,3}){3}$/u.test(host) || /^ff[0-9a-f]{2}:/iu.test(host);
}

export function isLoopbackName(name: string): boolean {
  return LOOPBACK.has(name);
}

/** Whether a process may bind this address: its host's own, by any name. */
export function isOwn(host: SimulatedHost, name: string): boolean {
  return LOOPBACK.has(name) || ANY.has(name) || name === host.name || name === host.address;
}
