import { type ConfChange, type ConfState, type Message, RaftNode } from '@quorate/raft';
import { Member, type RaftNodeClass } from './member.ts';
import { RaftRules } from './rules.ts';
import { Seeded } from './seeded.ts';
import { senseless } from './senseless.ts';

const NODES = 5;
const TICK_MS = 10;
const MAX_DRIFT = 0.2;
const MAX_MESSAGES = 200;
/** Messages that are kept to arrive once more, long after. */
const MAX_ECHOES = 40;
const STEPS = 8000;
const PEACE_TICKS = 600;
/** So often everyone does all that there is to do in a tick of peace, at most. */
const PEACE_ROUNDS = 200;

/**
 * Lives one life of a group in a world where everything goes wrong that may, then leaves it in peace. Throws an Error
 * that begins with the rule that was broken. Ends after a bounded number of steps whatever happens.
 */
export function runRaftChaos(seed: number, Node: RaftNodeClass = RaftNode): void {
  const chaos = new Chaos(new Seeded(seed), Node);
  chaos.live(STEPS);
  chaos.goesOn();
}

class Chaos {
  readonly #random: Seeded;
  readonly #rules = new RaftRules();
  readonly #members: Member[] = [];
  readonly #clocks: { readonly rate: number; ticked: number; pausedUntil: number }[] = [];
  /** `from * NODES + to` of ways that nothing gets through. */
  readonly #blocked = new Set<number>();
  #network: Message[] = [];
  readonly #echoes: Message[] = [];
  #now = 0;
  #proposals = 0;
  /** In some lives nothing is reordered wildly, in some hardly anything arrives. */
  readonly #reach: number;
  readonly #loss: number;
  /** Of four attacks, how many are changes of the configuration in any case. */
  readonly #restlessness: number;
  /** Of 1000 steps, how many are attacks. */
  readonly #hostility: number;

  constructor(random: Seeded, Node: RaftNodeClass) {
    this.#random = random;
    this.#reach = random.pick([1, 4, 12, 60]);
    this.#loss = random.pick([0, 2, 10, 30]);
    this.#hostility = random.pick([4, 10, 30]);
    this.#restlessness = random.pick([0, 0, 2]);
    this.#build(Node);
  }

  #build(Node: RaftNodeClass): void {
    const random = this.#random;
    const [hasLease, hasPriorities, mixed, async] = [
      random.int(3) === 0,
      random.int(4) === 0,
      random.bit(),
      random.bit(),
    ];
    const [checkQuorum, preVote] = [random.bit() || hasLease, random.bit()];
    const voters = [1, 2, 3, 4, 5].slice(0, random.pick([2, 3, 3, 5]));
    for (let id = 1; id <= NODES; id += 1) {
      const clock = { rate: 1 + (random.next() - 0.5) * MAX_DRIFT, ticked: 0, pausedUntil: 0 };
      this.#clocks.push(clock);
      const config = {
        id,
        random,
        electionTicks: 5,
        heartbeatTicks: 1,
        asyncStorageWrites: mixed ? random.bit() : async,
        checkQuorum,
        preVote: mixed ? random.bit() : preVote,
        maxSizePerMessage: 60,
        maxInflightMessages: 3,
        maxInflightBytes: 200,
        maxUncommittedSize: 500,
        ...(hasLease ? { lease: { now: () => this.#now * clock.rate, tickMs: TICK_MS, maxDrift: MAX_DRIFT } } : {}),
        ...(hasPriorities ? { priority: (of: number) => of % 3 } : {}),
      };
      const conf = confState(voters.includes(id) ? voters : []);
      const habits = { keepsState: random.bit(), forgetsPages: random.bit() };
      this.#members.push(new Member(Node, config, conf, habits, this.#rules, (m) => this.#post(m)));
    }
  }

  live(steps: number): void {
    for (let i = 0; i < steps; i += 1) {
      const member = this.#random.pick(this.#members);
      if (this.#random.int(1000) < this.#hostility) this.#attack(this.#victim(member), this.#dice());
      else this.#work(member, this.#random.int(100));
      for (const each of this.#members) each.check();
    }
  }

  /** Nothing fails any more: within bounded time there is a leader, all voters follow, and nothing that was applied is lost. */
  goesOn(): void {
    this.#blocked.clear();
    for (const clock of this.#clocks) clock.pausedUntil = 0;
    for (const member of this.#members) if (member.isDown) member.start();
    for (const { node } of this.#members) node.standing = true;
    for (let i = 0; i < PEACE_TICKS; i += 1) {
      this.#now += TICK_MS;
      for (const member of this.#members) member.node.tick();
      this.#settle();
      if (i % 20 === 19 && this.#isDone()) return;
    }
    throw new Error(`progress: none within ${PEACE_TICKS} ticks of peace`);
  }

  /** Asked with a proposal of each time: not done before it is applied by everyone who votes. */
  #isDone(): boolean {
    const before = this.#rules.highestApplied;
    const leaders = this.#members.filter(({ node }) => node.basicStatus().role === 'leader');
    const [leader] = leaders.sort((a, b) => b.node.basicStatus().term - a.node.basicStatus().term);
    if (leader?.node.propose(new Uint8Array(1)) !== 'ok') return false;
    this.#settle();
    const { index, conf } = leader;
    const voters = this.#members.filter(({ id }) => conf.voters.includes(id));
    return index > before && conf.votersOutgoing.length === 0 && voters.every((voter) => voter.index === index);
  }

  #settle(): void {
    for (let i = 0; i < PEACE_ROUNDS; i += 1) {
      for (const member of this.#members) {
        member.takeReady();
        member.progressWrite();
        member.progressApply();
        member.readPages();
        member.hearItself();
      }
      for (const m of this.#network.splice(0)) this.#deliver(m);
      for (const member of this.#members) member.check();
      if (this.#network.length === 0 && !this.#members.some(({ isBusy }) => isBusy)) return;
    }
  }

  /** Mostly work gets done, or the group would never get anywhere that is worth attacking. */
  #work(member: Member, dice: number): void {
    if (dice < 8) return this.#passTime();
    if (dice >= 70 && dice < 94) return this.#moveMessage();
    if (member.isDown) return this.#random.int(10) === 0 ? void member.start() : undefined;
    if (dice < 30) member.takeReady();
    else if (dice < 48) member.progressWrite();
    else if (dice < 54) member.progressApply();
    else if (dice < 56) member.readPages();
    else if (dice < 70) member.hearItself();
    else if (dice < 96) this.#propose(member);
    else member.read();
  }

  /** Which attack: in restless lives mostly a change of the configuration. */
  #dice(): number {
    return this.#random.int(4) < this.#restlessness ? 12 : this.#random.int(25);
  }

  /** Leaders are worth more than others. */
  #victim(member: Member): Member {
    const leaders = this.#members.filter(({ isDown, node }) => !isDown && node.basicStatus().role === 'leader');
    return leaders.length > 0 && this.#random.int(3) > 0 ? this.#random.pick(leaders) : member;
  }

  #attack(member: Member, dice: number): void {
    const other = 1 + this.#random.int(NODES);
    if (dice < 3) return member.crash();
    if (dice < 5) return this.#block(() => this.#random.int(4) === 0);
    if (dice < 8) return this.#isolate(member.id);
    if (dice < 11) return this.#blocked.clear();
    if (dice < 12) return this.#pause(member);
    if (member.isDown) return;
    if (dice < 14) member.node.proposeConfChange(this.#anyChange());
    else if (dice < 16) member.compact(this.#random.int(5));
    else if (dice < 17) member.node.transferLeader(other);
    else if (dice < 18) member.node.campaign();
    else if (dice < 19) member.node.forgetLeader();
    else if (dice < 20) member.node.reportUnreachable(other);
    else if (dice < 21) member.node.stepDown();
    else if (dice < 23) member.node.standing = !member.node.standing;
    else this.#talkNonsense(member);
  }

  /** Somebody's encoder is broken: something is said to a node that nobody would say. */
  #talkNonsense({ id, node }: Member): void {
    const heard = this.#echoes.filter(({ to }) => to === id);
    if (heard.length === 0) return;
    const result = node.step(senseless(this.#random.pick(heard), this.#random));
    if (result !== 'malformed' && result !== 'local-only') throw new Error(`nonsense: ${id} takes it for ${result}`);
  }

  #block(isBlocked: () => boolean): void {
    this.#blocked.clear();
    for (let way = 0; way < (NODES + 1) * NODES; way += 1) if (isBlocked()) this.#blocked.add(way);
  }

  #isolate(id: number): void {
    this.#blocked.clear();
    for (let other = 1; other <= NODES; other += 1)
      this.#blocked.add(id * NODES + other - 1).add(other * NODES + id - 1);
  }

  #pause(member: Member): void {
    this.#clock(member).pausedUntil = this.#now + this.#random.int(20 * TICK_MS);
  }

  #passTime(): void {
    this.#now += this.#random.int(TICK_MS / 2);
    this.#random.pick(this.#members).forgetPages(this.#random.int(4));
    for (const member of this.#members) {
      const clock = this.#clock(member);
      const isStill = clock.pausedUntil > this.#now || this.#now * clock.rate - clock.ticked < TICK_MS;
      if (isStill || member.isDown) continue;
      clock.ticked = this.#now * clock.rate;
      member.node.tick();
    }
  }

  #post(m: Message): void {
    if (this.#network.length >= MAX_MESSAGES) this.#lose(this.#network.shift());
    this.#network.push(m);
  }

  #moveMessage(): void {
    if (this.#echoes.length > 0 && this.#random.int(40) === 0) return this.#deliver(this.#random.pick(this.#echoes));
    const [m] = this.#network.splice(this.#random.int(Math.min(this.#network.length, this.#reach)), 1);
    if (m === undefined) return;
    if (this.#random.int(20) === 0) this.#echo(m);
    const isCutOff = this.#blocked.has(m.from * NODES + m.to - 1);
    if (isCutOff || this.#random.int(100) < this.#loss) this.#lose(m);
    else this.#deliver(m);
  }

  #echo(m: Message): void {
    if (this.#echoes.length < MAX_ECHOES) this.#echoes.push(m);
    else this.#echoes[this.#random.int(MAX_ECHOES)] = m;
  }

  #deliver(m: Message): void {
    const [to, from] = [this.#members[m.to - 1], this.#members[m.from - 1]];
    if (to === undefined || to.isDown) return this.#lose(m);
    if (to.node.step(m) === 'malformed') throw new Error(`refused: a ${m.type} of ${m.from}`);
    if (m.type === 'Snap' && from?.isDown === false) from.node.reportSnapshot(m.to, true);
  }

  #lose(m: Message | undefined): void {
    const from = m?.type === 'Snap' ? this.#members[m.from - 1] : undefined;
    // The sender's network is not always right about what arrived.
    if (from?.isDown === false && m !== undefined) from.node.reportSnapshot(m.to, this.#random.int(4) === 0);
  }

  #propose({ node }: Member): void {
    this.#proposals += 1;
    node.propose(new TextEncoder().encode(`${this.#proposals}`.padStart(1 + this.#random.int(40), '.')));
  }

  #anyChange(): ConfChange {
    const changes = Array.from({ length: this.#random.int(4) }, () => ({
      type: this.#random.pick(['add-node', 'add-node', 'add-learner', 'remove-node'] as const),
      nodeId: 1 + this.#random.int(NODES),
    }));
    return { version: 2, transition: this.#random.pick(['auto', 'joint-implicit'] as const), changes };
  }

  #clock(member: Member): { readonly rate: number; ticked: number; pausedUntil: number } {
    const clock = this.#clocks[member.id - 1];
    if (clock === undefined) throw new Error('every member has a clock');
    return clock;
  }
}

function confState(voters: readonly number[]): ConfState {
  return { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}
