import type { MonotonicMs, NodeId, Random } from '@quorate/core';
import { Deadlines, type Deadline } from './deadlines.ts';
import { transmitLimit } from './formulas.ts';
import { LocalHealth } from './local-health.ts';
import { MemberTable } from './member-table.ts';
import type { Message, Rumour } from './messages.ts';
import { headerBytes, messageBytes } from './packet-codec.ts';
import { RecentlyHeard } from './recently-heard.ts';
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
  readonly #heard = new RecentlyHeard();
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

  /** A packet of this node has come. */
  heard(id: NodeId): void {
    this.#heard.note(id, this.now);
  }

  /**
   * Up to `count` members to ask for help: those heard of last, because they can be reached now, and one drawn from all, so
   * that nobody who talks much is all the help there is.
   */
  helpers(count: number, fits: (member: MemberRecord) => boolean): readonly MemberRecord[] {
    if (!this.settings.reliesOnReachable) return this.table.sample(count, fits);
    const drawn = new Set<MemberRecord>();
    for (const id of this.#heard.since(this.now - this.settings.probeIntervalMs)) {
      if (drawn.size >= count - 1) break;
      const member = this.table.get(id);
      if (member !== undefined && fits(member)) drawn.add(member);
    }
    const others = this.table.sample(count - drawn.size, (member) => !drawn.has(member) && fits(member));
    return [...drawn, ...others];
  }

  /**
   * One datagram: these messages, and as many rumours as fit beside them. They count as sent only where they are likely to
   * arrive, or a cluster of which half is gone would tell its news to nobody.
   */
  send(to: Destination, messages: readonly Message[], isLikely: boolean = this.#isLikelyThere(to)): void {
    const { settings, queue } = this;
    const used = messages.reduce((sum, message) => sum + messageBytes(message), this.#headerBytes);
    const limit = transmitLimit(settings, this.table.living);
    const counts = isLikely || !settings.reliesOnReachable;
    const rumours = queue.take(settings.maxPacketBytes - used, limit, counts);
    this.post(to, rumours.length === 0 ? messages : [...messages, ...rumours]);
  }

  /** One datagram of just these. */
  post(to: Destination, messages: readonly Message[]): void {
    this.host.send(to, Object.freeze({ sender: this.selfId, run: this.run, messages }));
  }

  /** Has a rumour of a member passed on; what was said of it before no longer is. */
  spread(id: NodeId, rumour: Rumour): void {
    // As it is, and so no text of its own for each of thousands; the keys of users' rumours have a colon, which no id has.
    this.queue.add(id, rumour);
    this.whenQueued();
  }

  /** Of who is alone with those that are gone, all counts: there is an end to it. */
  #isLikelyThere({ id }: Destination): boolean {
    const state = this.table.get(id)?.state;
    return state === undefined || state === 'alive' || this.table.living < 2;
  }
}
