import { ClusterError, type NodeId, randomId, type Random, throwIfAborted, toClusterError } from '@quorate/core';
import type { Identity } from '../group-state.ts';
import type { Member } from '../members.ts';
import type { FormationAnswer, Invitation } from './formation-messages.ts';

/** What a node is in a group, and with whom that was formed, if it is a founder and knows. */
export interface Place {
  readonly identity: Identity;
  readonly founders: readonly Member[] | undefined;
}

/** What forming needs of the group and of its peers. */
export interface FormationParts {
  readonly self: NodeId;
  readonly random: Random;
  /** Resolves when it is time for another round of asking, after so many in vain; rejects with the signal. */
  pause(rounds: number, signal: AbortSignal): Promise<void>;
  /** In order. */
  readonly voters: readonly NodeId[];
  readonly disk: string;
  /** Asks another founder. Rejects when it can't be reached. */
  ask(peer: NodeId, signal: AbortSignal): Promise<FormationAnswer>;
  /** The forming ends before this does. */
  invite(peer: NodeId, invitation: Invitation): Promise<void>;
  /** Makes this durable: with that, this node has formed the group. */
  take(place: Place): Promise<void>;
  /** A majority of the founders knows that the group exists: there can be a leader now. */
  ready(): void;
  /** Has been kept from going on; it goes on trying where that makes sense. */
  hindered(error: ClusterError): void;
}

/**
 * How a group begins, and how a founder finds its way to a group that has begun. The founder whose id comes first forms
 * it, once all the others have said that they know nothing of it; nobody else ever does. So a group can't be formed
 * twice: for that, everybody would have to have forgotten it, and then it is gone.
 */
export class Formation {
  readonly #parts: FormationParts;
  /** Who has answered in the last round. */
  #reached: ReadonlyMap<NodeId, FormationAnswer> = new Map();

  constructor(parts: FormationParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with what this node is in the group. An invitation may come meanwhile: then the signal ends this.
   * @throws ClusterError `REFUSED` when the group exists and knows this node by a disk that it no longer has; `ABORTED`
   */
  async run(signal: AbortSignal): Promise<Place> {
    for (let rounds = 1; ; rounds += 1) {
      const found = await this.#round(signal);
      if (found !== undefined) return found;
      await this.#parts.pause(rounds, signal);
    }
  }

  /** Whether this node would form the group but for this peer, among others perhaps. */
  waitsFor(peer: NodeId): boolean {
    const { self, voters } = this.#parts;
    return voters[0] === self && !this.#reached.has(peer);
  }

  async #round(signal: AbortSignal): Promise<Place | undefined> {
    const { self, voters } = this.#parts;
    const answers = await this.#askAll(signal);
    this.#reached = answers;
    throwIfAborted(signal, 'form the group');
    for (const { formation, members, founders } of answers.values()) {
      const known = members.length > 0 ? members : (founders ?? []);
      if (formation !== undefined && known.length > 0) return this.#place(formation, known, founders);
    }
    const isFormed = [...answers.values()].some(({ formation }) => formation !== undefined);
    if (isFormed || voters[0] !== self || answers.size < voters.length - 1) return undefined;
    return this.#form(answers);
  }

  async #askAll(signal: AbortSignal): Promise<ReadonlyMap<NodeId, FormationAnswer>> {
    const { self, voters } = this.#parts;
    const answers = new Map<NodeId, FormationAnswer>();
    const others = voters.filter((voter) => voter !== self);
    await Promise.all(
      others.map(async (voter) => {
        try {
          answers.set(voter, await this.#parts.ask(voter, signal));
        } catch (error) {
          this.#hindered(error, `ask ${voter}`);
        }
      }),
    );
    return answers;
  }

  #place(formation: string, members: readonly Member[], founders: readonly Member[] | undefined): Place {
    const { self, disk } = this.#parts;
    const number = numberOf(self, disk, members);
    if (number !== undefined) return { identity: { formation, number }, founders };
    throw new ClusterError('REFUSED', `the group exists, and ${self} is no member of it any more, or not yet`);
  }

  async #form(answers: ReadonlyMap<NodeId, FormationAnswer>): Promise<Place> {
    const { voters, disk, random } = this.#parts;
    const formation = randomId(random);
    const members = voters.map((nodeId, at): Member => ({
      number: at + 1,
      nodeId,
      disk: answers.get(nodeId)?.disk ?? disk,
      wants: 'voter',
    }));
    const number = members.findIndex(({ nodeId }) => nodeId === this.#parts.self) + 1;
    const place = { identity: { formation, number }, founders: members };
    await this.#parts.take(place);
    void this.#inviteAll(formation, members);
    return place;
  }

  /** Who is not reached by this asks by itself. */
  async #inviteAll(formation: string, members: readonly Member[]): Promise<void> {
    let knowing = 0;
    const isKnown = () => {
      knowing += 1;
      if (knowing === Math.floor(members.length / 2) + 1) this.#parts.ready();
    };
    isKnown();
    const others = members.filter(({ nodeId }) => nodeId !== this.#parts.self);
    await Promise.all(
      others.map(async ({ number, nodeId, disk }) => {
        try {
          await this.#parts.invite(nodeId, { formation, number, disk, founders: members });
          isKnown();
        } catch (error) {
          this.#hindered(error, `invite ${nodeId}`);
        }
      }),
    );
  }

  #hindered(error: unknown, what: string): void {
    this.#parts.hindered(toClusterError(error, 'REMOTE', what));
  }
}

/**
 * The group exists: who this node is in it, its disk says. Undefined where it is nobody.
 * @throws ClusterError `REFUSED` when it was somebody, with another disk
 */
export function numberOf(self: NodeId, disk: string, members: readonly Member[]): number | undefined {
  const member = members.find((each) => each.disk === disk);
  if (member !== undefined || !members.some(({ nodeId }) => nodeId === self)) return member?.number;
  throw new ClusterError(
    'REFUSED',
    `${self} has lost the log that it had in the group: it has to be replaced by itself`,
  );
}
