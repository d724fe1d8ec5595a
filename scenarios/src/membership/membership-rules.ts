import type { Cluster, Member, NodeId } from '@quorate/core';
import type { MembershipNode } from './membership-node.ts';

/** What no node may ever be told. Remembers what was broken, to be asked after each step. */
export class MembershipRules {
  readonly #find: (id: NodeId) => MembershipNode | undefined;
  readonly #broken: string[] = [];
  /** All has been well for so long that nobody may be taken for dead. */
  isCalm = false;
  /** How often a node was told that one had failed that lived: it happens in trouble. */
  falseFailures = 0;
  failures = 0;

  constructor(find: (id: NodeId) => MembershipNode | undefined) {
    this.#find = find;
  }

  /** Watches one run of a node. */
  watch(node: MembershipNode, cluster: Cluster): void {
    /** The highest that this run has seen of each. */
    const incarnations = new Map<NodeId, number>();
    /** Of each run, by what it says of itself, how often it had described itself anew. */
    const turns = new Map<string, number>();
    const hear = ({ node: { id, metadata } }: Member): void => {
      // Not by the incarnation: who has heard of a new run only that it is suspected shows it as the last one was described.
      const run = `${id} of boot ${metadata?.['boot']}`;
      const turn = Number(metadata?.['turn']);
      const known = turns.get(run) ?? 0;
      if (turn < known) this.#fail(`${node.id} heard ${run} say ${turn} after ${known}`);
      turns.set(run, Math.max(turn, known));
    };
    const see = ({ node: { id }, incarnation }: Member): void => {
      const known = incarnations.get(id) ?? 0;
      const isDurable = this.#find(id)?.isDurable === true;
      if (isDurable && incarnation < known) this.#fail(`${node.id} saw ${id} go back from ${known} to ${incarnation}`);
      incarnations.set(id, Math.max(known, incarnation));
    };
    for (const event of ['nodeJoined', 'nodeUpdated'] as const) {
      cluster.on(event, ({ member }) => {
        see(member);
        hear(member);
      });
    }
    cluster.on('nodeLeft', ({ node: { id } }) => this.#left(node.id, id));
    cluster.on('nodeFailed', ({ node: { id } }) => this.#failed(node.id, id));
  }

  /** @throws Error with the first promise that was broken */
  check(): void {
    const [first] = this.#broken;
    if (first !== undefined) throw new Error(first);
  }

  #failed(observer: NodeId, id: NodeId): void {
    this.failures += 1;
    const node = this.#find(id);
    if (node?.cluster !== undefined) this.falseFailures += 1;
    if (node?.hasLeft === true) this.#fail(`${observer} was told that ${id} failed, which has left in order`);
    if (this.isCalm) this.#fail(`${observer} was told in peace that ${id} failed`);
  }

  #left(observer: NodeId, id: NodeId): void {
    if (this.isCalm && this.#find(id)?.isWanted === true)
      this.#fail(`${observer} was told that ${id} left, which runs`);
  }

  #fail(what: string): void {
    this.#broken.push(what);
  }
}
