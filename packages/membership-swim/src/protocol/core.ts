import type { MonotonicMs, NodeId, Random } from '@quorate/core';
import { Deadlines, type Deadline } from './deadlines.ts';
import { transmitLimit } from './formulas.ts';
import { LocalHealth } from './local-health.ts';
import { MemberTable } from './member-table.ts';
import type { Message, Rumour } from './messages.ts';
import { headerBytes, messageBytes } from './packet-codec.ts';
import { RumourQueue } from './rumour-queue.ts';
import type { SwimSettings } from './settings.ts';
import type { Destination, MemberRecord, SwimBase, SwimHost, SwimStats } from './types.ts';

type Counters = { -readonly [Name in keyof SwimStats]: number };

/** What the parts of the machine share: the table, the queue of rumours, what is to be done when, and the way out. */
export class SwimCore {
  readonly settings: SwimSettings;
  readonly random: Random;
  readonly host: SwimHost;
  readonly table: MemberTable;
  readonly health: LocalHealth;
  readonly deadlines: Deadlines = new Deadlines();
  readonly queue: RumourQueue;
  readonly stats: Counters = {
    probes: 0,
    indirectProbes: 0,
    streamProbes: 0,
    failedProbes: 0,
    suspicions: 0,
    confirmations: 0,
    refutations: 0,
    pauses: 0,
    droppedRumours: 0,
  };
  readonly selfId: NodeId;
  readonly run: number;
  /** Time of the call that is being served. */
  now: MonotonicMs = 0;
  /** Told when there is something to pass on. */
  whenQueued: () => void = () => undefined;
  readonly #headerBytes: number;
  #sequence: number;

  constructor(options: {
    readonly settings: SwimSettings;
    readonly random: Random;
    readonly host: SwimHost;
    readonly base: SwimBase;
    readonly selfId: NodeId;
    readonly run: number;
  }) {
    const { settings, random, host, base, selfId, run } = options;
    this.settings = settings;
    this.random = random;
    this.host = host;
    this.table = new MemberTable(random, base);
    this.health = new LocalHealth(settings.maxLocalHealth);
    this.queue = new RumourQueue(settings.maxQueuedRumours);
    this.selfId = selfId;
    this.run = run;
    this.#headerBytes = headerBytes(selfId, run);
    // Not from 1: an answer to an earlier run of this node answers nothing of this one.
    this.#sequence = random.int(2 ** 32);
  }

  get self(): MemberRecord {
    const own = this.table.get(this.selfId);
    if (own === undefined) throw new Error('a node is always a member of its own table');
    return own;
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  after(delayMs: number, action: () => void): Deadline {
    return this.deadlines.set(this.now + delayMs, action);
  }

  /** One datagram: these messages, and as many rumours as fit beside them. */
  send(to: Destination, messages: readonly Message[]): void {
    const { settings, queue } = this;
    const used = messages.reduce((sum, message) => sum + messageBytes(message), this.#headerBytes);
    const rumours = queue.take(settings.maxPacketBytes - used, transmitLimit(settings, this.table.living));
    this.post(to, rumours.length === 0 ? messages : [...messages, ...rumours]);
  }

  /** One datagram of just these. */
  post(to: Destination, messages: readonly Message[]): void {
    this.host.send(to, Object.freeze({ sender: this.selfId, run: this.run, messages }));
  }

  /** Has a rumour of a member passed on; what was said of it before no longer is. */
  spread(id: NodeId, rumour: Rumour): void {
    this.queue.add(`m:${id}`, rumour);
    this.whenQueued();
  }
}
