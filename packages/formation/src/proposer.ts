import { type Charter, type NodeId, type Random, randomId } from '@quorate/core';
import { type Ballot, isBefore, type Proposal } from './ballot.ts';
import type { Answer, Question } from './messages.ts';

/** What an attempt needs of the node that makes it. */
export interface ProposerParts {
  readonly self: NodeId;
  readonly random: Random;
  /** The highest round that this node knows of. */
  readonly round: () => number;
  /** Asks a node, this one too. Undefined when it doesn't answer. */
  readonly ask: (to: NodeId, question: Question) => Promise<Answer | undefined>;
}

/** How an attempt ended. */
export type Attempt =
  | { readonly type: 'formed'; readonly charter: Charter }
  /** A later one is made next time. */
  | { readonly type: 'missed'; readonly why: string };

/**
 * Has nodes agree on a charter, once (L. Lamport, "Paxos Made Simple" (2001)); with one difference: since nobody knows yet
 * who belongs to the cluster, the quorum is *all* of the nodes that were seen. Two attempts whose nodes overlap share a node,
 * and so never choose two charters; attempts that share none can't know of each other.
 */
export class Proposer {
  readonly #parts: ProposerParts;
  #round = 0;

  constructor(parts: ProposerParts) {
    this.#parts = parts;
  }

  /**
   * @param nodes in order, this one among them
   * @param founders how many of them found the cluster
   */
  async attempt(nodes: readonly NodeId[], founders: number): Promise<Attempt> {
    const { self, random, round } = this.#parts;
    this.#round = Math.max(this.#round, round()) + 1;
    const ballot: Ballot = { round: this.#round, proposer: self };
    const promises = await this.#askAll(nodes, { type: 'prepare', ballot, nodes });
    const promised = this.#whatAll(nodes, promises, 'promised');
    if ('type' in promised) return promised;
    const pending = possiblyChosen(nodes, promised.answers);
    const latest = pending.toSorted((a, b) => (isBefore(a.ballot, b.ballot) ? -1 : 1)).at(-1);
    const other = pending.find((each) => latest !== undefined && isRival(each, latest));
    if (other !== undefined) return missed(`${other.nodes.join(', ')} may have agreed on a cluster of their own`);
    const begun = latest?.charter;
    const charter = begun ?? { clusterId: randomId(random), founders: nodes.slice(0, founders) };
    const accepted = this.#whatAll(
      nodes,
      await this.#askAll(nodes, { type: 'accept', ballot, nodes, charter, isTakenOver: begun !== undefined }),
      'accepted',
    );
    return 'type' in accepted ? accepted : { type: 'formed', charter };
  }

  #askAll(nodes: readonly NodeId[], question: Question): Promise<readonly (Answer | undefined)[]> {
    return Promise.all(nodes.map((id) => this.#parts.ask(id, question)));
  }

  /** All of their answers, if all are of this type. */
  #whatAll<T extends Answer['type']>(
    nodes: readonly NodeId[],
    answers: readonly (Answer | undefined)[],
    type: T,
  ): Attempt | { readonly answers: readonly Extract<Answer, { type: T }>[] } {
    for (const answer of answers) {
      if (answer?.type === 'formed') return answer;
      if (answer?.type === 'refused') this.#round = Math.max(this.#round, answer.promised.round);
    }
    const is = (answer: Answer | undefined): answer is Extract<Answer, { type: T }> => answer?.type === type;
    const failed = nodes.filter((_, at) => !is(answers[at]));
    if (failed.length > 0) return missed(`${failed.join(', ')} did not agree`);
    return { answers: answers.filter((answer) => is(answer)) };
  }
}

/**
 * What was accepted and may have been agreed on. It was not, and can't be any more, when it was proposed for the first time
 * and one of those it was meant for, who has promised the new ballot now, has accepted nothing in that one or a later one.
 * What was taken over may have been agreed on in an earlier ballot, of which its record says nothing any more.
 */
function possiblyChosen(
  nodes: readonly NodeId[],
  answers: readonly Extract<Answer, { type: 'promised' }>[],
): readonly Proposal[] {
  const has = (id: NodeId, { ballot }: Proposal): boolean => {
    const answer = answers[nodes.indexOf(id)];
    return answer === undefined || (answer.accepted !== undefined && !isBefore(answer.accepted.ballot, ballot));
  };
  return answers
    .flatMap((answer) => answer.accepted ?? [])
    .filter((proposal) => proposal.isTakenOver || proposal.nodes.every((id) => has(id, proposal)));
}

/**
 * Whether an earlier proposal may have been agreed on in spite of a later one. Where both were made to one node, it was not:
 * whoever made the later one would have heard of it, and taken its charter over.
 */
function isRival(earlier: Proposal, later: Proposal): boolean {
  if (earlier.charter.clusterId === later.charter.clusterId) return false;
  return !earlier.nodes.some((id) => later.nodes.includes(id));
}

function missed(why: string): Attempt {
  return { type: 'missed', why };
}
