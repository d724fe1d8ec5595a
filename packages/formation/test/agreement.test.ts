import type { NodeId, Random } from '@quorate/core';
import { seededRandom } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { Acceptor } from '../src/acceptor.ts';
import type { Answer, Question } from '../src/messages.ts';
import { type Attempt, Proposer } from '../src/proposer.ts';

const SEEDS = 3_000;
const NODES = ['a', 'b', 'c', 'd', 'e'];
/** More than half: any two sets of so many share a node. */
const LEAST = 3;
const ATTEMPTS = 12;

/** Acceptors that crash, and messages that are lost on either way and take any time. */
class Agreement {
  readonly chosen = new Set<string>();
  readonly #random: Random;
  readonly #stores = new Map<NodeId, Uint8Array>();
  readonly #acceptors = new Map<NodeId, Acceptor>();
  readonly #runs = new Map<NodeId, number>();
  /** A node makes one attempt at a time. */
  readonly #busy = new Set<NodeId>();
  #losesMessages = true;

  constructor(seed: string) {
    this.#random = seededRandom(seed, 'agreement');
    for (const id of NODES) this.#acceptors.set(id, this.#acceptor(id));
  }

  async attempt(): Promise<void> {
    const size = LEAST + this.#random.int(NODES.length - LEAST + 1);
    const nodes = [...NODES]
      .map((id) => ({ id, at: this.#random.next() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, size)
      .map(({ id }) => id)
      .sort();
    const self = nodes[this.#random.int(size)] as NodeId;
    if (this.#busy.has(self)) return;
    this.#busy.add(self);
    const round = () => this.#acceptors.get(self)?.round ?? 0;
    const proposer = new Proposer({
      self,
      random: this.#random,
      round,
      ask: (to, question) => this.#ask(to, question),
    });
    for (let again = 0; again < 3; again += 1) {
      const attempt = await proposer.attempt(nodes, LEAST);
      if (attempt.type === 'formed') this.chosen.add(attempt.charter.clusterId);
      await this.#while();
    }
    this.#busy.delete(self);
  }

  /** From now on no message is lost, and all nodes are seen: the attempt of the one that then makes it. */
  async settle(): Promise<Attempt> {
    this.#losesMessages = false;
    const self = NODES[0] as NodeId;
    const ask = (to: NodeId, question: Question) => this.#ask(to, question);
    const proposer = new Proposer({ self, random: this.#random, round: () => 0, ask });
    // The first ones may be of an earlier ballot than others were.
    for (let again = 0; again < ATTEMPTS * 3; again += 1) {
      const attempt = await proposer.attempt(NODES, LEAST);
      if (attempt.type === 'formed') this.chosen.add(attempt.charter.clusterId);
      if (attempt.type === 'formed') return attempt;
    }
    return proposer.attempt(NODES, LEAST);
  }

  async crash(): Promise<void> {
    const id = NODES[this.#random.int(NODES.length)] as NodeId;
    const acceptor = this.#acceptor(id);
    await acceptor.open();
    this.#acceptors.set(id, acceptor);
  }

  async #ask(to: NodeId, question: Question): Promise<Answer | undefined> {
    await this.#while();
    const acceptor = this.#acceptors.get(to);
    if (acceptor === undefined || this.#isLost()) return undefined;
    const answering =
      question.type === 'prepare' ? acceptor.prepare(question.ballot) : this.#accept(acceptor, question);
    const answer = await answering.catch(() => undefined);
    await this.#while();
    return this.#isLost() ? undefined : answer;
  }

  #isLost(): boolean {
    return this.#losesMessages && this.#random.int(8) === 0;
  }

  #accept(acceptor: Acceptor, question: Question): Promise<Answer | undefined> {
    return question.type === 'accept' ? acceptor.accept(question) : Promise.resolve(undefined);
  }

  async #while(): Promise<void> {
    for (let turns = this.#random.int(30); turns > 0; turns -= 1) await Promise.resolve();
  }

  /** A process that was killed writes nothing any more, and nobody hears of it. */
  #acceptor(id: NodeId): Acceptor {
    const run = (this.#runs.get(id) ?? 0) + 1;
    this.#runs.set(id, run);
    return new Acceptor({
      read: async () => this.#stores.get(id),
      write: async (_, bytes) => {
        if (this.#runs.get(id) !== run) throw new Error('killed');
        this.#stores.set(id, bytes.slice());
      },
      remove: async () => undefined,
      names: async () => [],
    });
  }
}

async function agree(seed: string): Promise<Agreement> {
  const random = seededRandom(seed, 'schedule');
  const agreement = new Agreement(seed);
  const running: Promise<void>[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    running.push(agreement.attempt());
    if (random.int(2) === 0) await Promise.all(running.splice(0));
    if (random.int(3) === 0) await agreement.crash();
  }
  await Promise.all(running);
  return agreement;
}

describe('nodes that agree on a charter', () => {
  it(`never agree on two, in ${SEEDS} schedules, and often on one`, async () => {
    let formed = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { size } = (await agree(`schedule ${seed}`)).chosen;
      expect(size, `schedule ${seed}`).toBeLessThan(2);
      formed += size;
    }
    expect(formed).toBeGreaterThan(SEEDS / 4);
  });

  it('agree when all of them answer, on what any of them may have agreed on', async () => {
    for (let seed = 0; seed < SEEDS / 3; seed += 1) {
      const agreement = await agree(`schedule ${seed}`);
      expect(await agreement.settle(), `schedule ${seed}`).toMatchObject({ type: 'formed' });
      expect(agreement.chosen.size, `schedule ${seed}`).toBe(1);
    }
  });
});
