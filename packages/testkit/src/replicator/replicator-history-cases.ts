import type { NodeId, ReadConsistency, WriteOutcome } from '@quorate/core';
import { isClusterError } from '@quorate/core';
import type { World } from '@quorate/simulator';

import { expectDefined, expectThat, ExpectationError } from '../expectations.ts';
import { checkLinearizable } from '../linearizability/check-linearizable.ts';
import { explainViolation } from '../linearizability/explain-violation.ts';
import { HistoryRecorder } from '../linearizability/history-recorder.ts';
import type { SkipReason, Suite } from '../suite.ts';
import {
  type KeyValueReplicator,
  type ReplicatorFixture,
  type ReplicatorHarness,
  slowLinks,
} from './replicator-fixture.ts';
import { type KeyValueCall, keyValueModel } from './key-value-model.ts';
import type { KeyValueResult } from './key-value-machine.ts';

const CLIENTS = 5;
const FAULTS = 12;
const SEEDS = 3;
/** How long a client waits for an answer before it asks for the next thing. */
const CALL_TIMEOUT_MS = 1_000;
/** A call on a node that has died never ends by itself. */
const GIVEN_UP_AFTER_MS = 3_000;
/** Fewer would prove little. */
const LEAST_COMPLETED = 100;

/** Whole histories of concurrent clients, while nodes crash, are cut off and stand still. */
export function replicatorHistoryCases(suite: Suite<ReplicatorFixture>, { supports }: ReplicatorHarness): void {
  for (const level of ['linearizable', 'lease'] as const) {
    const skipped: SkipReason = supports.read.includes(level) ? suite.withoutFaults : `supports.read has no ${level}`;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      suite.test(
        `the history of clients that read at ${level} is linearizable, whatever fails (${seed} of ${SEEDS})`,
        async (fixture) => {
          const history = new ClientHistory(fixture, level);
          await history.run();
          history.check();
        },
        skipped,
      );
    }
  }
}

class ClientHistory {
  readonly #fixture: ReplicatorFixture;
  readonly #world: World;
  readonly #level: ReadConsistency;
  readonly #recorder: HistoryRecorder<KeyValueCall, KeyValueResult>;
  #values = 0;
  #isOver = false;

  constructor(fixture: ReplicatorFixture, level: ReadConsistency) {
    this.#fixture = fixture;
    this.#world = expectDefined(fixture.bed.world, 'a simulated world');
    this.#level = level;
    this.#recorder = new HistoryRecorder(fixture.bed.clock);
  }

  async run(): Promise<void> {
    slowLinks(this.#fixture.bed);
    const clients = Array.from({ length: CLIENTS }, (_none, at) => this.#client(`client ${at}`));
    for (let at = 0; at < FAULTS; at += 1) await this.#strike();
    await this.#fixture.ready();
    await this.#fixture.bed.pass(500);
    this.#isOver = true;
    await Promise.all(clients);
    await this.#readEverywhere();
    await this.#fixture.converged(1);
  }

  /** @throws ExpectationError */
  check(): void {
    const { history } = this.#recorder;
    const completed = history.filter(({ output }) => output !== 'unknown').length;
    expectThat(completed >= LEAST_COMPLETED, `at least ${LEAST_COMPLETED} operations returned: ${completed}`);
    const verdict = checkLinearizable(keyValueModel, history);
    if (verdict.verdict === 'not-linearizable') throw new ExpectationError(explainViolation(verdict));
    expectThat(verdict.verdict === 'linearizable', `the history is decided: ${verdict.verdict}`);
  }

  async #strike(): Promise<void> {
    const { cluster, bed } = this.#fixture;
    const victim = this.#pick(this.#world.chance(0.5) ? this.#leaders() : cluster.ids);
    const fault = this.#pick(['crash', 'isolate', 'pause', 'crash all'] as const);
    if (fault === 'crash all') for (const id of cluster.ids) cluster.crash(id);
    else cluster[fault](victim);
    await bed.pass(this.#world.random.int(1_500));
    cluster.heal();
    if (fault === 'crash all') await cluster.startAll();
    else if (fault === 'crash') await cluster.start(victim);
    else cluster.resume(victim);
    await bed.pass(this.#world.random.int(1_000));
  }

  /** Those that lead, or believe so. */
  #leaders(): readonly NodeId[] {
    const { cluster } = this.#fixture;
    const leading = cluster.ids.filter((id) => this.#fixture.status(id)?.role === 'leader');
    return leading.length > 0 ? leading : cluster.ids;
  }

  async #client(name: string): Promise<void> {
    while (!this.#isOver) {
      const live = this.#fixture.cluster.live.map(({ id }) => id);
      if (live.length > 0) await this.#attempt(name, this.#pick(live), this.#nextCall());
      await this.#fixture.bed.pass(1 + this.#world.random.int(10));
    }
  }

  async #attempt(client: string, id: NodeId, call: KeyValueCall): Promise<void> {
    const recorded = this.#recorder.invoke(client, call);
    const node = this.#fixture.cluster.node(id);
    const answer = this.#fixture.within(node, (replicator) => this.#call(replicator, call));
    const end = await endOf(this.#fixture, answer);
    if (typeof end !== 'string') recorded.ok(end.value);
    else if (end === 'unknown') recorded.unknown();
    else recorded.fail();
  }

  /** Every second read relies on what the cluster was told to do unless a call says otherwise. */
  #call(replicator: KeyValueReplicator, call: KeyValueCall): Promise<KeyValueResult> {
    const timeoutMs = CALL_TIMEOUT_MS;
    if (call.type !== 'get') return replicator.replicate(call, { timeoutMs });
    const isDefault = this.#level === 'linearizable' && this.#world.chance(0.5);
    return replicator.read(call, isDefault ? { timeoutMs } : { timeoutMs, consistency: this.#level });
  }

  /** Values are never written twice, so that none can be taken for another. */
  #nextCall(): KeyValueCall {
    this.#values += 1;
    const value = String(this.#values);
    const key = this.#pick(['x', 'y']);
    const recent = String(Math.max(1, this.#values - this.#world.random.int(4)));
    return this.#pick<KeyValueCall>([
      { type: 'get', key },
      { type: 'get', key },
      { type: 'put', key, value },
      { type: 'cas', key, expected: recent, value },
      { type: 'append', key: 'list', value },
      { type: 'get', key: 'list' },
      { type: 'next', key: 'tickets' },
    ]);
  }

  async #readEverywhere(): Promise<void> {
    for (const id of this.#fixture.cluster.ids) {
      for (const key of ['x', 'y', 'list', 'tickets']) await this.#attempt('last reader', id, { type: 'get', key });
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#world.random.int(from.length)] as T;
  }
}

/** What a call came to, in the eyes of a client. */
function endOf<T>(fixture: ReplicatorFixture, answer: Promise<T>): Promise<{ readonly value: T } | WriteOutcome> {
  return new Promise((resolve) => {
    const givenUp = fixture.bed.clock.setTimer(GIVEN_UP_AFTER_MS, () => resolve('unknown'));
    const settle = (end: { readonly value: T } | WriteOutcome) => {
      givenUp.cancel();
      resolve(end);
    };
    answer.then(
      (value) => settle({ value }),
      (error: unknown) => settle(isClusterError(error) ? (error.outcome ?? 'unknown') : 'unknown'),
    );
  });
}
