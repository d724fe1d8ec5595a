import type { ConfChange } from '../src/index.ts';
import { bytes, confState, Group, type Host, type Options, text } from './group.ts';

/** Chance for one life of a group: the same seed lives the same life. */
function seeded(seed: number): { next(): number; int(bound: number): number } {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, int: (bound) => Math.floor(next() * bound) };
}

export interface Life {
  readonly seed: number;
  readonly asyncStorageWrites: boolean;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  readonly lease: boolean;
  readonly priorities: boolean;
}

const TICK_MS = 10;
const MAX_DRIFT = 0.2;

/** A group in a hostile world: time, messages, disks and crashes come in any order. */
export class HostileWorld {
  readonly group: Group;
  readonly #random: ReturnType<typeof seeded>;
  /** What a read must at least see, by its context. */
  readonly #readFloors = new Map<string, number>();
  readonly #clocks: { readonly rate: number; ticked: number; pausedUntil: number }[] = [];
  #now = 0;
  #proposals = 0;
  /** Whom the network cuts off now. */
  #isolated = new Set<number>();

  constructor({ seed, asyncStorageWrites, checkQuorum, preVote, lease, priorities }: Life) {
    this.#random = seeded(seed);
    const options: Options = {
      electionTicks: 5,
      heartbeatTicks: 1,
      asyncStorageWrites,
      checkQuorum: checkQuorum || lease,
      preVote,
      maxSizePerMessage: 60,
      maxInflightMessages: 3,
      maxInflightBytes: 200,
      maxUncommittedSize: 500,
      ...(priorities ? { priority: (id: number) => id % 3 } : {}),
    };
    this.group = new Group(options, this.#random);
    const start = confState([1, 2, 3]);
    for (let id = 1; id <= 5; id += 1) {
      const clock = { rate: 1 + (this.#random.next() - 0.5) * MAX_DRIFT, ticked: 0, pausedUntil: 0 };
      this.#clocks.push(clock);
      const config = lease
        ? { lease: { now: () => this.#now * clock.rate, tickMs: TICK_MS, maxDrift: MAX_DRIFT } }
        : {};
      this.group.add(id <= 3 ? start : confState([]), config);
    }
  }

  live(steps: number): void {
    for (let i = 0; i < steps; i += 1) {
      this.#act(this.#random.int(100));
      for (const host of this.group.hosts) this.#checkReads(host);
    }
  }

  /** From here on nothing fails. */
  recover(): void {
    this.#isolated.clear();
    for (const clock of this.#clocks) clock.pausedUntil = 0;
    // Without pre-vote, a node that does not know of its removal deposes every leader, though never for long.
    for (let i = 0; i < 150 || (i < 300 && this.group.leader() === undefined); i += 1) {
      this.#now += TICK_MS;
      this.group.tick();
    }
    for (const host of this.group.hosts) this.#checkReads(host);
  }

  /** Mostly work gets done, or the group would never get anywhere that is worth attacking. */
  #act(dice: number): void {
    const host = this.#pick(this.group.hosts);
    if (dice < 10) this.#passTime();
    else if (dice < 40) this.group.handleReady(host);
    else if (dice < 52) this.group.network.push(...host.finishAppend());
    else if (dice < 60) this.group.network.push(...host.finishApply());
    else if (dice < 88) this.#moveMessage();
    else if (dice < 92) this.#propose(host);
    else if (dice < 98) this.#read(host);
    else if (this.#random.int(3) === 0) this.#attack(host, this.#random.int(16));
  }

  #attack(host: Host, dice: number): void {
    if (dice < 3) this.#clock(host).pausedUntil = this.#now + this.#random.int(20 * TICK_MS);
    else if (dice < 5) host.node.proposeConfChange(this.#anyChange());
    else if (dice < 7) this.group.restart(host);
    else if (dice < 9) host.compact(this.#random.int(Math.max(1, host.index - host.storage.firstIndex())));
    else if (dice < 10) host.node.transferLeader(1 + this.#random.int(5));
    else if (dice < 12) this.#isolated = new Set([1, 2, 3, 4, 5].filter(() => this.#random.int(4) === 0));
    else if (dice < 13) host.node.campaign();
    else if (dice < 14) host.node.forgetLeader();
    else if (dice < 15) host.node.reportUnreachable(1 + this.#random.int(5));
    else this.#isolated.clear();
  }

  #passTime(): void {
    this.#now += this.#random.int(TICK_MS / 2);
    for (const host of this.group.hosts) {
      const clock = this.#clock(host);
      if (clock.pausedUntil > this.#now || this.#now * clock.rate - clock.ticked < TICK_MS) continue;
      clock.ticked = this.#now * clock.rate;
      host.node.tick();
    }
  }

  #moveMessage(): void {
    const { network } = this.group;
    if (network.length === 0) return;
    const at = this.#random.int(Math.min(network.length, 6));
    const m = network[at];
    if (m === undefined) return;
    const fate = this.#random.int(20);
    const isOwn = m.from === m.to || m.from < 0;
    // Sometimes it stays on its way, and arrives once more.
    if (isOwn || fate !== 0) network.splice(at, 1);
    if (!isOwn && (fate === 1 || this.#isolated.has(m.from) || this.#isolated.has(m.to))) this.group.lose(m);
    else this.group.deliver(m);
  }

  #propose(host: Host): void {
    this.#proposals += 1;
    host.node.propose(bytes(`${this.#proposals}`.padStart(1 + this.#random.int(40), '.')));
  }

  #read(host: Host): void {
    const name = `read ${this.#readFloors.size}`;
    this.#readFloors.set(name, this.group.facts.highestApplied);
    host.node.readIndex(bytes(name));
  }

  #checkReads(host: Host): void {
    for (const { index, context } of host.reads.splice(0)) {
      const floor = this.#readFloors.get(text(context)) ?? 0;
      if (index < floor) throw new Error(`stale read on ${host.id}: at ${index}, when ${floor} was applied before`);
    }
  }

  #anyChange(): ConfChange {
    const changes = Array.from({ length: this.#random.int(4) }, () => ({
      type: this.#pick(['add-node', 'add-node', 'add-learner', 'remove-node'] as const),
      nodeId: 1 + this.#random.int(5),
    }));
    return { version: 2, transition: this.#pick(['auto', 'joint-implicit'] as const), changes };
  }

  #clock(host: Host): { readonly rate: number; ticked: number; pausedUntil: number } {
    const clock = this.#clocks[host.id - 1];
    if (clock === undefined) throw new Error('every host has a clock');
    return clock;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.int(items.length)] as T;
  }
}
