import type { NodeId } from '@quorate/core';
import type { World } from '@quorate/simulator';
import { Recorder } from './conversations.ts';
import { EchoTraffic } from './echo-traffic.ts';
import { FuzzedNodes, type FuzzedParts, HONEST, MALLORY, PORT } from './fuzzed-nodes.ts';
import { Liar } from './liar.ts';
import { mutate, oneOf } from './mutations.ts';
import { Strangers } from './strangers.ts';
import type { Tap } from './tapped-system.ts';

/**
 * Who lies: nobody but strangers; a voter whose messages are damaged on the way; a guest of the groups who means it, under
 * checksums that are right; a voter who means it.
 */
export type LiarKind = 'stranger' | 'noise' | 'guest' | 'voter';

const STRANGER = 'stranger';
const MEMBERSHIPS = ['connections', 'heartbeats', 'gossip', 'gossip'] as const;
const SECRET = 'what strangers do not know';
const MULTICAST = { group: '239.255.81.82', port: 45_981, ttl: 1 };
const CLUSTER = 'default';
const MEETING_MS = 20_000;
/** What is said meanwhile is all that strangers have to say. */
const RECORDING_MS = 1500;
const RECOVERY_MS = 30_000;
const STOP_MS = 60_000;
const ATTACK_EVERY_MS = 30;
/** In a life, of one node: what peers can cause is said at most once in five seconds, for each kind of it. */
const MAX_LINES = 150;

/** Honest nodes, one that lies, and a machine that belongs to nobody. */
export class FuzzLife {
  /** As the seed has drawn them, whoever lies. */
  readonly parts: FuzzedParts;
  readonly #world: World;
  readonly #kind: LiarKind;
  readonly #liar: Liar;
  readonly #recorder = new Recorder();
  readonly #echo: EchoTraffic;
  readonly #nodes: FuzzedNodes;
  #strangers: Strangers | undefined;
  #isOver = false;

  constructor(world: World, kind: LiarKind) {
    this.#world = world;
    this.#kind = kind;
    this.#liar = new Liar({
      random: world.random,
      rate: oneOf(world.random, [0.05, 0.2, 0.5]),
      fits: kind !== 'noise',
    });
    this.#echo = new EchoTraffic((from, to, error) => this.#failed(`${from} was not answered by ${to}`, error));
    const election = world.chance(0.5) ? 'raft' : 'majority';
    const membership = oneOf(world.random, MEMBERSHIPS);
    const forms = world.chance(0.4);
    const secret = world.chance(0.4) ? SECRET : undefined;
    const voters = kind === 'guest' || kind === 'stranger' ? HONEST : [...HONEST, MALLORY];
    const isKnown = secret === undefined ? 'without a secret' : 'with a secret';
    world.note(`${kind}, election: ${election}, membership: ${membership}, ${isKnown}${forms ? ', formed' : ''}`);
    this.parts = { election, voters, membership, forms, secret };
    this.#nodes = new FuzzedNodes(world, this.parts, this.#echo);
    world.host(STRANGER);
  }

  get counts(): { lies: number; attempts: number; answered: number; commands: number; lines: number } {
    return {
      lies: this.#liar.lies,
      attempts: this.#strangers?.attempts ?? 0,
      answered: this.#echo.answered,
      commands: this.#nodes.commands,
      lines: Math.max(...this.#nodes.lines.values(), 0),
    };
  }

  /** All are there, have met, and know who leads. */
  async meet(): Promise<void> {
    this.#nodes.startAll(this.#tap(), this.#recorder);
    await this.#world.runUntil(() => this.#nodes.agrees && HONEST.every((name) => this.#hasMet(name)), MEETING_MS);
    for (const name of HONEST) this.#watch(name);
    await this.#world.run(RECORDING_MS);
  }

  /** From here on it is lied. */
  disturb(): void {
    this.#liar.isLying = this.#kind !== 'stranger';
    this.#nodes.host(STRANGER).start(({ net, clock }) => {
      this.#strangers = new Strangers({
        net,
        clock,
        random: this.#world.random,
        targets: HONEST.map((name) => ({ host: this.#nodes.host(name).address, port: PORT })),
        names: [...HONEST, MALLORY, STRANGER],
        cluster: CLUSTER,
        conversations: this.#recorder.conversations,
      });
      const attack = (): void => {
        if (this.#isOver) return;
        void this.#strangers?.attack();
        clock.setTimer(this.#world.random.int(2 * ATTACK_EVERY_MS), attack);
      };
      attack();
      void this.#shout();
    });
  }

  /** Who lied is gone, or an honest node from now on. */
  settle(): void {
    this.#isOver = true;
    this.#liar.isLying = false;
    this.#nodes.crash(MALLORY);
    this.#nodes.host(STRANGER).crash();
    this.#nodes.start(MALLORY);
  }

  /** Everything works as it did before, with the one that lied too. */
  async recover(): Promise<void> {
    const before = this.#nodes.commands;
    const isWell = (): boolean =>
      this.#nodes.agrees && this.#nodes.sees([...HONEST, MALLORY]) && this.#nodes.commands > before + 5;
    await this.#world.runUntil(isWell, RECOVERY_MS);
  }

  audit(): void {
    for (const [name, lines] of this.#nodes.lines) {
      if (lines > MAX_LINES && name !== MALLORY) throw new Error(`${name} has logged ${lines} lines`);
    }
  }

  async stop(): Promise<void> {
    const all = [...HONEST, MALLORY].filter((name) => this.#nodes.isRunning(name));
    await this.#world.settled(Promise.all(all.map((name) => this.#nodes.get(name).stop())), STOP_MS);
  }

  /** Records until there are lies: what was said before is what is said again. */
  #tap(): Tap {
    const [recorder, liar] = [this.#recorder, this.#liar];
    return {
      stream: () => {
        const [record, lie] = [recorder.stream(), liar.stream()];
        return (bytes) => {
          record(bytes);
          return lie(bytes);
        };
      },
      plain: (payload) => liar.plain(payload),
      datagram: (payload) => {
        recorder.datagram(payload);
        return liar.datagram(payload);
      },
    };
  }

  #hasMet(name: string): boolean {
    if (!this.#nodes.isRunning(name)) return false;
    const { transport } = this.#nodes.get(name);
    return othersOf(name).every((other) => transport.peer(other)?.state === 'connected');
  }

  /** From here on it is asked all the time, and must stay connected. */
  #watch(name: string): void {
    const { transport, system } = this.#nodes.get(name);
    this.#echo.begin(transport, system, othersOf(name), () => !this.#isOver);
    void this.#watchEvents(name);
  }

  async #watchEvents(name: string): Promise<void> {
    for await (const event of this.#nodes.get(name).transport.watch()) {
      if (event.type !== 'disconnected' || this.#isOver || !HONEST.includes(event.peer.node.id)) continue;
      this.#failed(`${name} lost ${event.peer.node.id}: ${event.reason}`);
    }
  }

  /** Datagrams to the group and to nodes: what was heard, again or in other words. */
  async #shout(): Promise<void> {
    const { net, clock } = this.#nodes.host(STRANGER).system;
    const { group, port, ttl } = MULTICAST;
    const socket = await net.bindDatagram({ host: '0.0.0.0', port }, () => undefined, { multicast: { group, ttl } });
    const targets = [
      { host: group, port },
      ...HONEST.map((name) => ({ host: this.#nodes.host(name).address, port: PORT })),
    ];
    const shout = (): void => {
      const { datagrams } = this.#recorder;
      if (this.#isOver || datagrams.length === 0) return;
      const { random } = this.#world;
      const said = oneOf(random, datagrams);
      const altered = random.int(4) === 0 ? said : mutate(random, said, oneOf(random, datagrams));
      socket.send(altered, oneOf(random, targets));
      clock.setTimer(random.int(20), shout);
    };
    shout();
  }

  /** Ends the life, from wherever it is noticed. */
  #failed(what: string, cause?: unknown): void {
    if (this.#isOver) return;
    this.#world.after(0, () => {
      throw new Error(`${this.#kind}: ${what}`, { cause });
    });
  }
}

function othersOf(name: NodeId): readonly NodeId[] {
  return HONEST.filter((other) => other !== name);
}
