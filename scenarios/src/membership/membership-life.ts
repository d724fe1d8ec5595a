import type { ClusterNode, Member } from '@quorate/core';
import { faults, type Faults, type Host, type World } from '@quorate/simulator';
import type { MembershipCharacter } from './membership-character.ts';
import { MembershipNode, type NodeSurroundings } from './membership-node.ts';
import { MembershipRules } from './membership-rules.ts';

/** Places where a node can go that changes its address. */
const SPARE_HOSTS = 3;
const SEEDS = 2;
const SECRETS = ['the secret of the first day', 'the secret of the second day', 'the secret of the third day'];

/** Nodes that come, go, move, replace their secrets and describe themselves anew, amid faults and in peace. */
export class MembershipLife {
  readonly nodes: readonly MembershipNode[];
  readonly rules: MembershipRules;
  readonly #world: World;
  readonly #character: MembershipCharacter;
  readonly #hosts: readonly Host[];
  #faults: Faults | undefined;
  #isTrouble = false;
  #secret = 0;

  constructor(world: World, character: MembershipCharacter, membership: NodeSurroundings['membership']) {
    this.#world = world;
    this.#character = character;
    const { nodes: count, connectAllUpTo, isSecured, describeEveryMs } = character;
    this.#hosts = Array.from({ length: count + SPARE_HOSTS }, (_, at) => world.host(`h${at}`));
    this.rules = new MembershipRules((id) => this.nodes.find((node) => node.id === id));
    const surroundings: NodeSurroundings = {
      isSecured,
      options: { connectAllUpTo },
      describeEveryMs,
      isTrouble: () => this.#isTrouble,
      membership,
      // Some that run, wherever they are: as discovery would tell.
      seeds: (id) => {
        const others = this.nodes.filter((node) => node.isWanted && node.id !== id);
        return others.slice(0, SEEDS).map(({ home }) => home);
      },
      started: (node, cluster) => this.rules.watch(node, cluster),
    };
    this.nodes = this.#hosts.slice(0, count).map((host, at) => {
      return new MembershipNode(`n${at}`, host, world.chance(0.5), SECRETS[0] as string, surroundings);
    });
  }

  begin(): void {
    for (const node of this.nodes) node.start();
  }

  trouble(): void {
    const { everyMs, lastMs } = this.#character;
    this.rules.isCalm = false;
    this.#isTrouble = true;
    this.#faults = faults(this.#world, this.#hosts, {
      everyMs,
      lastMs,
      maxDown: Math.max(1, Math.floor(this.nodes.length / 3)),
      restart: (host) => this.#restart(host),
    });
  }

  peace(): void {
    this.#faults?.stop();
    this.#isTrouble = false;
    for (const node of this.nodes) if (node.isWanted && !node.home.running) node.start();
  }

  /**
   * Whether all who run see all who run as alive, as they describe themselves now, and of the others nobody; and nobody who
   * left as one that failed.
   */
  get agrees(): boolean {
    const running = this.nodes.filter(({ isWanted }) => isWanted);
    return running.every((node) => this.#sees(node, running));
  }

  /** What one who doesn't agree sees, for the trace. */
  describe(): string {
    return this.nodes
      .map(({ id, membership, isWanted, said }) => {
        const seen = [...(membership?.view.members.values() ?? [])].map(
          ({ node, state }) => `${node.id} ${state} ${textOf(node.metadata)}`,
        );
        return `${id}${isWanted ? '' : ' (stopped)'} ${textOf(said)}: ${seen.sort().join(', ')}`;
      })
      .join('\n');
  }

  /** One thing that operators do. Resolves when it is done. */
  async act(): Promise<void> {
    const { random } = this.#world;
    const node = this.nodes[random.int(this.nodes.length)] as MembershipNode;
    const isAlone = this.nodes.filter(({ isWanted }) => isWanted).length < 3;
    if (!node.isWanted) this.#startAnew(node);
    else if (this.#world.chance(0.25)) this.#describe(node);
    else if (this.#world.chance(0.3)) await this.#rotate();
    else if (!isAlone) await this.#stop(node);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.filter(({ isWanted }) => isWanted).map((node) => node.stop()));
  }

  /** One alone, or all at once. */
  #describe(node: MembershipNode): void {
    const all = this.#world.chance(0.3) ? this.nodes.filter(({ isWanted }) => isWanted) : [node];
    for (const each of all) each.describe();
  }

  async #stop(node: MembershipNode): Promise<void> {
    const isTold = await node.stop();
    if (!isTold && this.rules.isCalm) throw new Error(`${node.id} could not tell in peace that it leaves`);
    node.home.crash();
    if (this.#world.chance(0.5)) this.#startAnew(node);
  }

  /** In every node one step after the other, with time between them. */
  async #rotate(): Promise<void> {
    const before = SECRETS[this.#secret % SECRETS.length] as string;
    this.#secret += 1;
    const after = SECRETS[this.#secret % SECRETS.length] as string;
    const steps = [{ use: before, accept: [after] }, { use: after, accept: [before] }, { use: after }];
    for (const step of steps) {
      for (const { keyring } of this.nodes) keyring.change(step);
      await this.#pass(200 + this.#world.random.int(1000));
    }
  }

  #startAnew(node: MembershipNode): void {
    const free = this.#hosts.filter((host) => !this.nodes.some(({ home }) => home === host));
    const moves = !node.isDurable && this.#world.chance(0.4);
    if (moves) node.home = free[this.#world.random.int(free.length)] ?? node.home;
    node.start();
  }

  #restart(host: Host): void {
    const node = this.nodes.find(({ home, isWanted }) => home === host && isWanted);
    if (node === undefined) return;
    const { hasLeft } = node;
    node.start();
    node.hasLeft = hasLeft;
  }

  #sees({ membership }: MembershipNode, running: readonly MembershipNode[]): boolean {
    if (membership === undefined) return false;
    const { members } = membership.view;
    if (!running.every((each) => isSeenAsItIs(each, members.get(each.id)))) return false;
    for (const { node, state } of members.values()) {
      const seen = this.nodes.find(({ id }) => id === node.id);
      if (seen?.isWanted === false && (state === 'alive' || state === 'suspect')) return false;
      if (seen?.hasLeft === true && state === 'unreachable') return false;
    }
    return true;
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#world.after(ms, resolve));
  }
}

function isSeenAsItIs({ said }: MembershipNode, member: Member | undefined): boolean {
  return member?.state === 'alive' && textOf(member.node.metadata) === textOf(said);
}

/** As `2.5`: the fifth thing that a node has said since its second start. */
function textOf(metadata: ClusterNode['metadata'] = {}): string {
  return `${metadata['boot']}.${metadata['turn']}`;
}
