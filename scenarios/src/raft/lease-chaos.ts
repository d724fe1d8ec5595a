import { type ConfChange, type ConfState, type Message, RaftNode } from '@quorate/raft';
import { Member, type RaftNodeClass } from './member.ts';
import { RaftRules } from './rules.ts';
import { Seeded } from './seeded.ts';

const NODES = 5;
const TICK_MS = 10;
const MAX_DRIFT = 0.2;
const STEPS = 1500;
/** So often everyone does all that there is to do at one moment, at most. */
const MAX_ROUNDS = 60;
const MAX_LATENCY_MS = 80;

/** A message that arrives at `due`. */
interface Sent {
  readonly due: number;
  readonly m: Message;
}

/** A node's clock, and until when its process stands still, or what is said to it takes long to arrive. */
interface Circumstances {
  readonly rate: number;
  ticked: number;
  pausedUntil: number;
  slowUntil: number;
}

interface LeaseWorld {
  /** How far apart clocks run, compared with what the nodes have been told. @default 1: as far as they may */
  readonly driftFactor?: number;
  /** Whether anyone reads by the lease. @default true */
  readonly leaseReads?: boolean;
}

/**
 * Lives one life of a group with leases, in a world that waits for the moment at which a lease and the promises behind it
 * might not agree: disks and networks are fast, time passes little by little, and everyone campaigns as soon as it may,
 * while leaders are cut off, paused, and asked to hand over, and followers restart. Each leader is asked at every step
 * what it would answer by its lease. Throws an Error that begins with the rule that was broken.
 */
export function runLeaseChaos(seed: number, Node: RaftNodeClass = RaftNode, world: LeaseWorld = {}): void {
  const chaos = new LeaseChaos(new Seeded(seed), Node, world);
  for (let i = 0; i < STEPS; i += 1) chaos.step();
}

class LeaseChaos {
  readonly #random: Seeded;
  readonly #rules = new RaftRules();
  readonly #members: Member[] = [];
  readonly #circumstances: Circumstances[] = [];
  /** `from * NODES + to - 1` of ways that nothing gets through. */
  readonly #blocked = new Set<number>();
  #healsAt = 0;
  #network: Sent[] = [];
  #now = 0;
  /** Steps between attacks, on average: some take effect only after a while. */
  readonly #calm: number;
  /** The share of messages that take their time. */
  readonly #lateness: number;
  #proposals = 0;

  constructor(random: Seeded, Node: RaftNodeClass, { driftFactor = 1, leaseReads = true }: LeaseWorld) {
    this.#random = random;
    this.#calm = random.pick([10, 20, 40]);
    this.#lateness = random.pick([0, 0, 0.03, 0.3]);
    const fastest = 1 + MAX_DRIFT * driftFactor;
    const voters = [1, 2, 3, 4, 5].slice(0, random.pick([3, 3, 3, 4]));
    const [asyncStorageWrites, preVote] = [random.bit(), random.bit()];
    for (let id = 1; id <= NODES; id += 1) {
      const rate = random.pick([1, fastest, fastest, 1 + random.next() * (fastest - 1)]);
      const own = { rate, ticked: -random.int(TICK_MS), pausedUntil: 0, slowUntil: 0 };
      this.#circumstances.push(own);
      const lease = { now: () => this.#now * own.rate, tickMs: TICK_MS, maxDrift: MAX_DRIFT };
      const config = {
        id,
        random,
        electionTicks: 5,
        heartbeatTicks: 1,
        asyncStorageWrites,
        preVote,
        lease,
        leaseReads,
      };
      const conf = confState(voters.includes(id) ? voters : []);
      this.#members.push(new Member(Node, config, conf, { keepsState: true }, this.#rules, (m) => this.#post(m)));
    }
  }

  step(): void {
    this.#passTime(this.#random.pick([0.1, 0.5, 1, 2]));
    if (this.#now > this.#healsAt) this.#blocked.clear();
    if (this.#random.int(this.#calm) === 0) this.#attack(this.#victim(), this.#random.int(18));
    for (const member of this.#members) if (!this.#isPaused(member.id)) this.#use(member);
    this.#rival()?.node.campaign();
    this.#settle();
  }

  /** What a busy program does all the time. */
  #use(member: Member): void {
    if (this.#random.int(3) === 0) this.#propose(member);
    if (this.#random.int(3) === 0) member.read();
  }

  /** Time stands still, and whatever is fast happens; the disk or the state machine may lag by a step. */
  #settle(): void {
    const lagging = this.#random.int(10) === 0 ? this.#random.pick(this.#members) : undefined;
    for (let i = 0; i < MAX_ROUNDS; i += 1) {
      const active = this.#members.filter(({ id }) => !this.#isPaused(id));
      for (const member of active) {
        member.takeReady();
        if (member !== lagging) member.progressWrite();
        if (member !== lagging) member.progressApply();
        member.hearItself();
      }
      const arrived = this.#takeArrived();
      for (const { m } of arrived) this.#deliver(m);
      for (const member of this.#members) member.check();
      if (arrived.length === 0 && !active.some((member) => member !== lagging && member.isBusy)) return;
    }
  }

  #takeArrived(): readonly Sent[] {
    const isArriving = ({ due, m }: Sent): boolean => due <= this.#now && !this.#isPaused(m.to);
    const arrived = this.#network.filter(isArriving);
    this.#network = this.#network.filter((sent) => !isArriving(sent));
    return arrived;
  }

  /** What is on its way when that is cut still arrives. */
  #post(m: Message): void {
    if (this.#blocked.has(m.from * NODES + m.to - 1)) return this.#tellArrival(m, false);
    const isLate = this.#random.next() < this.#lateness || this.#of(m.to).slowUntil > this.#now;
    const latency = isLate ? this.#random.pick([2, 20, MAX_LATENCY_MS]) * this.#random.next() : 0;
    this.#network.push({ due: this.#now + latency, m });
  }

  #deliver(m: Message): void {
    this.#members[m.to - 1]?.node.step(m);
    this.#tellArrival(m, true);
  }

  #tellArrival(m: Message, hasArrived: boolean): void {
    if (m.type === 'Snap') this.#members[m.from - 1]?.node.reportSnapshot(m.to, hasArrived);
  }

  /** No further than to the next tick of anyone: each is on time, or promises would last longer than they need to. */
  #passTime(ms: number): void {
    const due = this.#circumstances.map(({ rate, ticked }) => (ticked + TICK_MS) / rate);
    this.#now = Math.min(this.#now + ms, ...due.filter((at) => at > this.#now));
    for (const member of this.#members) this.#tick(member, due[member.id - 1] ?? 0);
  }

  #tick(member: Member, due: number): void {
    if (this.#isPaused(member.id) || due > this.#now) return;
    const own = this.#of(member.id);
    own.ticked = this.#now * own.rate;
    member.node.tick();
  }

  /** One who might take over if nothing kept it from that. */
  #rival(): Member | undefined {
    const mayWin = (member: Member): boolean =>
      !this.#isPaused(member.id) &&
      member.conf.voters.includes(member.id) &&
      member.node.basicStatus().role !== 'leader';
    const rivals = this.#members.filter(mayWin);
    return rivals.length === 0 ? undefined : this.#random.pick(rivals);
  }

  /** Mostly a leader. */
  #victim(): Member {
    const leaders = this.#members.filter(({ node }) => node.basicStatus().role === 'leader');
    return this.#random.pick(leaders.length > 0 && this.#random.int(4) > 0 ? leaders : this.#members);
  }

  #attack(member: Member, dice: number): void {
    const other = this.#random.pick(this.#members);
    if (dice < 6) return this.#cutOff(member.id);
    if (dice < 8) return this.#cutOff(other.id);
    if (dice < 10) return void (this.#of(member.id).pausedUntil = this.#now + this.#random.int(MAX_LATENCY_MS));
    if (dice < 12) return void (this.#of(member.id).slowUntil = this.#now + this.#random.int(MAX_LATENCY_MS));
    if (dice < 15) {
      other.crash();
      return void other.start();
    }
    if (dice < 17) member.node.transferLeader(other.id);
    else if (member.conf.voters.length > 0) member.node.proposeConfChange(this.#exchange(member));
  }

  /** For a while nothing gets to it, or from it, or mostly neither. */
  #cutOff(id: number): void {
    if (this.#blocked.size > 0) return;
    const [isDeaf, isMute] = this.#random.pick([
      [true, true],
      [true, true],
      [true, true],
      [true, false],
      [false, true],
    ] as const);
    for (let other = 1; other <= NODES; other += 1) {
      if (isDeaf) this.#blocked.add(other * NODES + id - 1);
      if (isMute) this.#blocked.add(id * NODES + other - 1);
    }
    this.#healsAt = this.#now + this.#random.pick([2, 5, 5, 8]) * TICK_MS;
  }

  #propose({ node }: Member): void {
    this.#proposals += 1;
    node.propose(new TextEncoder().encode(`${this.#proposals}`));
  }

  /** Somebody comes for somebody else: a group that shrank would be at the mercy of few. */
  #exchange({ conf }: Member): ConfChange {
    const others = this.#members.map(({ id }) => id).filter((id) => !conf.voters.includes(id));
    const changes = [{ type: 'remove-node', nodeId: this.#random.pick(conf.voters) } as const];
    const added = others.length > 0 ? [{ type: 'add-node', nodeId: this.#random.pick(others) } as const] : [];
    return { version: 2, transition: 'auto', changes: [...changes, ...added] };
  }

  #isPaused(id: number): boolean {
    return this.#of(id).pausedUntil > this.#now;
  }

  #of(id: number): Circumstances {
    const own = this.#circumstances[id - 1];
    if (own === undefined) throw new Error(`there is no node ${id}`);
    return own;
  }
}

function confState(voters: readonly number[]): ConfState {
  return { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}
