import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from '@quorate/core';
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import type { Command, Result } from '../../src/broker/commands.ts';
import { type Answer, type Query } from '../../src/broker/queries.ts';
import { Broker, type BrokerReplicator } from '../../src/http/broker.ts';
import { Dispatchers } from '../../src/http/dispatchers.ts';
import { LocalBroker } from '../../src/node/local-broker.ts';

/** The leader's machine, and this node's copy, which hears of everything a while later; without a cluster around them. */
export class LaggingCopy {
  readonly local = new LocalBroker();
  readonly dispatchers: Dispatchers;
  readonly broker: Broker;
  /** What was asked of the leader. */
  readonly commands: Command[] = [];
  /** While set, nothing gets through. */
  isCutOff = false;
  /** While set, nothing can be looked at. */
  isUnreadable = false;
  /** How long an answer of the leader is under way. */
  answerMs = 0;
  readonly #lagMs: number;
  readonly #leader = new BrokerMachine();
  readonly #copy = this.local.make();
  #applied: Promise<unknown> = Promise.resolve();
  #index = 0;

  constructor(lagMs = 0) {
    this.#lagMs = lagMs;
    const replicator = {
      replicate: (command: Command) => this.replicate(command),
      read: async (query: Query): Promise<Answer> => {
        if (this.isUnreadable) throw new ClusterError('QUORUM_LOST', 'cut off');
        await this.#applied;
        return this.#copy.query(query);
      },
    } satisfies Partial<BrokerReplicator>;
    this.broker = new Broker(replicator as unknown as BrokerReplicator);
    this.dispatchers = new Dispatchers({ broker: this.broker, local: this.local, id: 'a', maxWaiting: 100 });
  }

  count(type: Command['type']): number {
    return this.commands.filter((command) => command.type === type).length;
  }

  /** By whatever node: what this one asks, and what others do. */
  async replicate(command: Command): Promise<Result> {
    if (this.isCutOff) throw new ClusterError('QUORUM_LOST', 'cut off', { outcome: 'unknown' });
    this.commands.push(command);
    this.#index += 1;
    const committed = [{ index: this.#index, term: 1, time: Date.now(), command }];
    const [result] = this.#leader.apply(committed);
    const before = this.#applied;
    this.#applied = delay(this.#lagMs).then(() => before.then(() => this.#copy.apply(committed)));
    if (this.#lagMs === 0) await this.#applied;
    await delay(this.answerMs);
    return result!;
  }

  async publish(...ids: readonly string[]): Promise<void> {
    await this.replicate({ type: 'publish', queue: 'q', messages: ids.map((id) => ({ id, body: Buffer.from(id) })) });
  }
}
