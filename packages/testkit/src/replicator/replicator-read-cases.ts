import type { ReadConsistency, ReplicatorSupport } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import type { SkipReason, Suite } from '../suite.ts';
import type { ReplicatorFixture, ReplicatorHarness } from './replicator-fixture.ts';

type ReadLevel = ReplicatorSupport['read'][number];

const LEVELS: readonly (readonly [ReadLevel, ReadConsistency])[] = [
  ['local', 'local'],
  ['bounded', { maxStalenessMs: 500 }],
  ['session', 'session'],
  ['lease', 'lease'],
  ['linearizable', 'linearizable'],
];
/** Those that never miss a write that was acknowledged, wherever that was. */
const FRESH: readonly ReadLevel[] = ['lease', 'linearizable'];
const ROUNDS = 12;

/** How fresh reads are. What is said of them under faults is in the cases of histories. */
export function replicatorReadCases(suite: Suite<ReplicatorFixture>, { supports, forwards }: ReplicatorHarness): void {
  const without = (level: ReadLevel): SkipReason =>
    supports.read.includes(level) ? undefined : `supports.read has no ${level}`;
  for (const [level, consistency] of LEVELS) {
    levelCases(suite, { level, consistency, skipped: without(level) });
    if (FRESH.includes(level)) freshCase(suite, { level, consistency, skipped: without(level) });
  }
  sessionCase(suite, without('session') ?? (forwards ? undefined : 'the harness says that followers do not forward'));
  cutOffCases(suite, without);
}

interface Level {
  readonly level: ReadLevel;
  readonly consistency: ReadConsistency;
  readonly skipped: SkipReason;
}

function levelCases(suite: Suite<ReplicatorFixture>, { level, consistency, skipped }: Level): void {
  suite.test(
    `a read at ${level} on any node sees in time what was written`,
    async (fixture, bed) => {
      for (const id of fixture.cluster.ids) expectEqual(await fixture.get(id, 'x', { consistency }), null, 'at first');
      await fixture.write({ type: 'put', key: 'x', value: 'one' });
      for (const id of fixture.cluster.ids) {
        let seen: string | null = null;
        const look = async () => {
          while (seen === null) {
            seen = await fixture.replicator(id).read({ type: 'get', key: 'x' }, { consistency });
            await bed.pass(5);
          }
        };
        await bed.soon(`${id} to see the write`, look(), fixture.readyWithinMs);
        expectEqual(seen, 'one', `what ${id} reads`);
      }
    },
    skipped,
  );
  suite.test(
    `a read at ${level} rejects with UNSUPPORTED`,
    async (fixture) => {
      for (const id of fixture.cluster.ids) {
        await expectRejection(() => fixture.get(id, 'x', { consistency }), 'UNSUPPORTED', `read on ${id}`);
      }
    },
    skipped === undefined ? `supports.read has ${level}` : undefined,
  );
}

function freshCase(suite: Suite<ReplicatorFixture>, { level, consistency, skipped }: Level): void {
  suite.test(
    `a read at ${level} on any node sees at once what was acknowledged on another`,
    async (fixture) => {
      const { ids } = fixture.cluster;
      for (let round = 1; round <= ROUNDS; round += 1) {
        await fixture.write({ type: 'put', key: 'x', value: String(round) });
        for (const id of ids) {
          expectEqual(await fixture.get(id, 'x', { consistency }), String(round), `round ${round} on ${id}`);
        }
      }
    },
    skipped,
  );
}

function sessionCase(suite: Suite<ReplicatorFixture>, skipped: SkipReason): void {
  suite.test(
    'a read at session sees what was written through the same node',
    async (fixture) => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        for (const id of fixture.cluster.ids) {
          const value = `${id}${round}`;
          const written = fixture.replicator(id).replicate({ type: 'put', key: id, value });
          await fixture.soon(`a write on ${id}`, written);
          expectEqual(await fixture.get(id, id, { consistency: 'session' }), value, `what ${id} reads`);
        }
      }
    },
    skipped,
  );
}

/** A node that is cut off, while the others write on. */
function cutOffCases(suite: Suite<ReplicatorFixture>, without: (level: ReadLevel) => SkipReason): void {
  const cases: readonly (readonly [ReadLevel, ReadConsistency])[] = [
    ['linearizable', 'linearizable'],
    ['lease', 'lease'],
    ['bounded', { maxStalenessMs: 200 }],
  ];
  for (const [level, consistency] of cases) {
    for (const who of ['leader', 'follower'] as const) {
      suite.test(
        `a ${who} that is cut off refuses a read at ${level} rather than answer with what is old`,
        async (fixture, bed) => {
          const away = await separate(fixture, who);
          await bed.pass(500);
          const call = () => fixture.get(away, 'x', { consistency, timeoutMs: 1_000 });
          await expectRejection(call, ['TIMEOUT', 'QUORUM_LOST', 'NOT_LEADER'], `read on ${away}`);
          fixture.cluster.heal();
          await fixture.ready();
          expectEqual(await fixture.get(away, 'x', { consistency }), 'new', 'what it reads when it is back');
        },
        without(level) ?? suite.withoutFaults,
      );
    }
  }
  suite.test(
    'a node that is cut off answers a read at local at once, with what it has',
    async (fixture, bed) => {
      const away = await separate(fixture, 'follower');
      const read = fixture.replicator(away).read({ type: 'get', key: 'x' }, { consistency: 'local' });
      expectEqual(await bed.soon('the read', read, 100), 'old', 'what it reads');
    },
    without('local') ?? suite.withoutFaults,
  );
}

/** Cuts a node off that has `old`, and has the others write `new`. Returns it. */
async function separate(fixture: ReplicatorFixture, who: 'leader' | 'follower'): Promise<string> {
  await fixture.write({ type: 'put', key: 'x', value: 'old' });
  await fixture.converged(1);
  const away = who === 'leader' ? await fixture.ready() : await fixture.follower();
  fixture.cluster.isolate(away);
  const leader = await fixture.ready(fixture.others(away));
  expectThat(leader !== away, 'another leads');
  await fixture.soon(
    'a write of the others',
    fixture.replicator(leader).replicate({ type: 'put', key: 'x', value: 'new' }),
  );
  return away;
}
