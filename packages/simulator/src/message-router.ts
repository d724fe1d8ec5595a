import type { RoutedMessage } from '@quorate/memory';

import type { Engine } from './engine.ts';
import type { SimulatedHost } from './host.ts';
import { ProcessClock } from './host-clock.ts';
import type { Link, Links } from './links.ts';
import type { Random } from '@quorate/core';
import type { SimulatedProcess } from './process.ts';
import { GIVE_UP_MS, RETRANSMIT_MS } from './sim-network.ts';

/** Connections between two hosts whose ends are told of a crash; older ones find out by silence. */
const MAX_CONNECTIONS = 16;

interface Sending {
  readonly message: RoutedMessage;
  readonly from: SimulatedHost;
  readonly to: SimulatedHost;
  readonly sender: SimulatedProcess;
  /** The process that it is for, as far as that is known: that of the connection, or the one that was there. */
  readonly receiver: SimulatedProcess | undefined;
}

/** One direction between two hosts. */
interface Lane {
  readonly from: SimulatedHost;
  /** When the last message that keeps its place arrives. */
  lastArrival: number;
  /** Messages that wait for the direction to open, in order. */
  readonly held: Sending[];
  /** How to tell the senders that the receiving process is gone, the newest last. */
  readonly resets: Map<() => void, SimulatedProcess>;
}

/** Carries the messages of `memoryNetwork` between hosts, with the faults of their links. */
export class MessageRouter {
  readonly #engine: Engine;
  readonly #links: Links;
  readonly #random: Random;
  readonly #find: (host: string) => SimulatedHost | undefined;
  readonly #lanes = new Map<SimulatedHost, Map<SimulatedHost, Lane>>();

  constructor(engine: Engine, links: Links, random: Random, find: (host: string) => SimulatedHost | undefined) {
    this.#engine = engine;
    this.#links = links;
    this.#random = random;
    this.#find = find;
  }

  route(message: RoutedMessage): void {
    const from = this.#find(message.from.host);
    if (from === undefined) throw new Error(`the world has no host ${message.from.host}: use the address of one`);
    const to = this.#find(message.to.host);
    const sender = from.process;
    if (sender === undefined || to === undefined) return;
    const receiver = message.receiver instanceof ProcessClock ? message.receiver.process : to.process;
    const sending = { message, from, to, sender, receiver };
    const lane = this.#lane(from, to);
    lane.resets.delete(message.reset);
    lane.resets.set(message.reset, sender);
    if (lane.resets.size > MAX_CONNECTIONS) lane.resets.delete(lane.resets.keys().next().value ?? message.reset);
    this.#send(lane, sending, this.#links.get(from.name, to.name));
  }

  /** Tells whoever talked to the host, as far as it can be reached. */
  crashed(host: SimulatedHost): void {
    this.#lanes.delete(host);
    if (!host.powered) return;
    for (const lanes of this.#lanes.values()) {
      const lane = lanes.get(host);
      if (lane === undefined) continue;
      for (const [reset, process] of lane.resets) this.#sendReset(host, lane.from, process, reset);
      lane.resets.clear();
    }
  }

  #send(lane: Lane, sending: Sending, link: Link): void {
    const { lossy } = sending.message;
    const lost = link.loss > 0 && this.#random.next() < link.loss;
    if (lost && lossy) {
      this.#say(sending, 'lost');
      return;
    }
    const delay = this.#delay(link) + (lost ? RETRANSMIT_MS : 0);
    if (lossy && link.reorder > 0 && this.#random.next() < link.reorder) {
      this.#arriveAt(this.#engine.now + delay + this.#delay(link) * 4, lane, sending);
    } else {
      lane.lastArrival = Math.max(lane.lastArrival, this.#engine.now + delay);
      this.#arriveAt(lane.lastArrival, lane, sending);
    }
    if (lossy && link.duplicate > 0 && this.#random.next() < link.duplicate) {
      this.#arriveAt(this.#engine.now + delay + this.#delay(link), lane, sending);
    }
  }

  #delay(link: Link): number {
    return link.latencyMs + this.#random.next() * link.jitterMs;
  }

  #arriveAt(time: number, lane: Lane, sending: Sending): void {
    this.#engine.at(time, () => this.#arrive(lane, sending));
  }

  #arrive(lane: Lane, sending: Sending): void {
    const { message, from, to } = sending;
    if (this.#links.isBlocked(from.name, to.name)) {
      this.#say(sending, 'blocked');
      if (!message.lossy) this.#hold(lane, sending);
    } else if (lane.held.length > 0 && !message.lossy) {
      lane.held.push(sending);
    } else {
      this.#deliver(sending);
    }
  }

  #deliver(sending: Sending): void {
    const { message, from, to, sender, receiver } = sending;
    const process = to.process;
    if (process !== undefined && (receiver === undefined || receiver === process)) {
      this.#say(sending, '');
      this.#engine.enter(process, message.deliver);
    } else {
      this.#say(sending, 'nobody there');
      if (to.powered) this.#sendReset(to, from, sender, message.reset);
    }
  }

  /** As a kernel does that sends again and again: until the direction opens, or it gives up. */
  #hold(lane: Lane, sending: Sending): void {
    lane.held.push(sending);
    const { from, to } = sending;
    if (lane.held.length === 1) this.#links.whenOpen(from.name, to.name, () => this.#release(lane));
    this.#engine.at(this.#engine.now + GIVE_UP_MS, () => {
      const at = lane.held.indexOf(sending);
      if (at === -1) return;
      lane.held.splice(at, 1);
      this.#engine.enter(sending.sender, sending.message.reset);
    });
  }

  #release(lane: Lane): void {
    for (const sending of lane.held.splice(0)) {
      const link = this.#links.get(sending.from.name, sending.to.name);
      lane.lastArrival = Math.max(lane.lastArrival, this.#engine.now + this.#delay(link));
      this.#arriveAt(lane.lastArrival, lane, sending);
    }
  }

  #sendReset(from: SimulatedHost, to: SimulatedHost, process: SimulatedProcess, reset: () => void): void {
    const delay = this.#delay(this.#links.get(from.name, to.name));
    this.#engine.at(this.#engine.now + delay, () => {
      if (!this.#links.isBlocked(from.name, to.name)) this.#engine.enter(process, reset);
    });
  }

  #lane(from: SimulatedHost, to: SimulatedHost): Lane {
    const lanes = this.#lanes.get(from) ?? new Map<SimulatedHost, Lane>();
    this.#lanes.set(from, lanes);
    const lane = lanes.get(to) ?? { from, lastArrival: 0, held: [], resets: new Map<() => void, SimulatedProcess>() };
    lanes.set(to, lane);
    return lane;
  }

  #say({ message, from, to }: Sending, what: string): void {
    const { trace, now } = this.#engine;
    trace.mix(now);
    trace.mixText(from.name);
    trace.mixText(to.name);
    trace.mix(message.bytes);
    trace.mixText(what);
    trace.line(now, () => `${from.name} -> ${to.name} ${message.bytes} bytes${what === '' ? '' : `, ${what}`}`);
  }
}
