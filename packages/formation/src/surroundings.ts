import {
  type Charter,
  type Clock,
  type DiscoveredNode,
  type FormationContext,
  formatNode,
  isClusterError,
  type NodeId,
  type Peer,
  withDeadline,
} from '@quorate/core';
import { type Answer, decodeAnswer, encode, MAX_NODES, type Question } from './messages.ts';
import { FORMATION } from './message-kind.ts';

/** Within which a node answers, or doesn't count as answering. */
const ANSWER_MS = 2_000;
/** Within which a source answers, or has failed. Sources have deadlines of their own, which are shorter. */
export const SOURCE_MS = 15_000;

/** What one look around has shown. */
export interface Surroundings {
  /** Of the cluster, where anybody has told. */
  readonly charter: Charter | undefined;
  /** Who would form one, in order: this node, if it may, and all who answered so. */
  readonly nodes: readonly NodeId[];
  /** Whether all of these see the same as this node does. */
  readonly isMutual: boolean;
  /** What keeps from being sure that these are all: who was named and doesn't answer, or that the source failed. */
  readonly doubts: readonly string[];
}

/** Asks the source who is there, and all who are what they know and see. */
export class Lookout {
  readonly #context: FormationContext;
  readonly #clock: Clock;

  constructor(context: FormationContext) {
    this.#context = context;
    this.#clock = context.clock;
  }

  /** @param mayForm whether this node counts itself */
  async look(mayForm: boolean, signal: AbortSignal): Promise<Surroundings> {
    const { transport, self } = this.#context;
    const doubts: string[] = [];
    const named = await this.#discovered(doubts, signal);
    const peers = transport.peers.filter(({ state }) => state === 'connected').slice(0, MAX_NODES - 1);
    const answers = await Promise.all(peers.map(({ node }) => this.ask(node.id, { type: 'look' }, signal)));
    for (const each of named) {
      if (
        !isSelf(each, self.id, this.#context) &&
        !peers.some((peer, at) => is(each, peer) && answers[at] !== undefined)
      )
        doubts.push(`${nameOf(each)} doesn't answer`);
    }
    for (const [at, { node }] of peers.entries()) {
      if (answers[at] === undefined) doubts.push(`${node.id} is connected and doesn't answer`);
    }
    return summary(mayForm ? self.id : undefined, peers, answers, doubts);
  }

  /** Undefined when no answer came, or none that makes sense. */
  async ask(to: NodeId, question: Question, signal: AbortSignal): Promise<Answer | undefined> {
    try {
      const { transport } = this.#context;
      return decodeAnswer(await transport.request(to, FORMATION, encode(question), { timeoutMs: ANSWER_MS, signal }));
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isClusterError(error, 'DISCONNECTED')) this.#context.logger.debug(`${to}: ${String(error)}`);
      return undefined;
    }
  }

  async #discovered(doubts: string[], signal: AbortSignal): Promise<readonly DiscoveredNode[]> {
    const { discovery } = this.#context;
    if (discovery === undefined) return [];
    try {
      const ask = (inner: AbortSignal) => discovery.discoverNodes({ signal: inner });
      return await withDeadline(this.#clock, SOURCE_MS, 'discoverNodes', ask, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      doubts.push(`the discovery fails: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  }
}

function summary(
  self: NodeId | undefined,
  peers: readonly Peer[],
  answers: readonly (Answer | undefined)[],
  doubts: readonly string[],
): Surroundings {
  const ids = self === undefined ? [] : [self];
  const views: (readonly NodeId[])[] = [];
  let charter: Charter | undefined;
  for (const [at, peer] of peers.entries()) {
    const answer = answers[at];
    if (answer?.type === 'formed') charter = answer.charter;
    if (answer?.type !== 'sight') continue;
    ids.push(peer.node.id);
    views.push(answer.sees);
  }
  const nodes = ids.sort((a, b) => (a < b ? -1 : 1));
  const isMutual = views.every((view) => view.length === nodes.length && view.every((id, at) => id === nodes[at]));
  return { charter, nodes, isMutual, doubts };
}

/** By its id where that is known; else by where it is. */
function is(named: DiscoveredNode, { node }: Peer): boolean {
  return named.id === undefined ? named.host === node.host && named.port === node.port : named.id === node.id;
}

function isSelf(named: DiscoveredNode, id: NodeId, { self, bind }: FormationContext): boolean {
  if (named.id !== undefined) return named.id === id;
  return [self, { ...bind, port: self.port }].some(({ host, port }) => named.host === host && named.port === port);
}

function nameOf(named: DiscoveredNode): string {
  const { id = '?', host, port } = named;
  return formatNode({ id, host, port });
}
