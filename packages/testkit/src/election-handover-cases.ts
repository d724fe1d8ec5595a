import type { ElectionFixture } from './election-fixture.ts';
import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import type { Suite } from './suite.ts';

/** Leadership that goes from one node to another because it was asked to. */
export function handoverCases(suite: Suite<ElectionFixture>, transfers: boolean): void {
  resignCases(suite);
  transferCases(suite, transfers);
}

function resignCases(suite: Suite<ElectionFixture>): void {
  suite.test('resign hands over to another candidate', async (fixture, bed) => {
    const grant = await fixture.elect('a');
    fixture.candidates(['b', 'c']);
    await bed.pass(500);
    await bed.soon('resign', fixture.election('a').resign(), fixture.electedWithinMs);
    expectThat(!grant.isValid() && grant.signal.aborted, 'the grant has ended');
    expectEqual(fixture.election('a').leadership, undefined, 'the leadership of who resigned');
    const next = await fixture.leader();
    expectThat(next.id !== 'a', 'another leads');
    expectThat(next.grant.token > grant.token, `its token is greater: ${next.grant.token} after ${grant.token}`);
    await fixture.observed(next.id);
  });
  suite.test('who resigned is no candidate any more, until it campaigns again', async (fixture, bed) => {
    const grant = await fixture.elect('a');
    await bed.soon('resign', fixture.election('a').resign(), fixture.electedWithinMs);
    await bed.pass(fixture.electedWithinMs / 6);
    expectEqual(fixture.election('a').leadership, undefined, 'the leadership of who resigned');
    expectThat((await fixture.elect('a')).token > grant.token, 'the next token is greater');
  });
  suite.test('resign of a node that does not lead is fine', async (fixture, bed) => {
    const grant = await fixture.elect('a');
    await bed.soon('resign', fixture.election('b').resign(), fixture.electedWithinMs);
    expectThat(grant.isValid(), 'the leader still leads');
  });
}

function transferCases(suite: Suite<ElectionFixture>, transfers: boolean): void {
  const skipped = transfers ? undefined : 'supports.transfer is false';
  suite.test(
    'transfer hands over to the chosen candidate, and only to it',
    async (fixture, bed) => {
      let former = await fixture.elect('a');
      for (const [from, to] of [
        ['a', 'c'],
        ['c', 'b'],
        ['b', 'a'],
        // Another one than before: who always hands over to the same would have been right by chance.
        ['a', 'b'],
      ] as const) {
        fixture.candidates();
        await bed.pass(500);
        await bed.soon(`the transfer to ${to}`, fixture.election(from).transfer(to), fixture.electedWithinMs);
        const { id, grant } = await fixture.leader();
        expectEqual(id, to, 'the leader');
        expectThat(!former.isValid(), `the grant of ${from} has ended`);
        expectThat(grant.token > former.token, 'the next token is greater');
        former = grant;
      }
    },
    skipped,
  );
  suite.test(
    'only the leader can transfer',
    async (fixture) => {
      await fixture.elect('a');
      await fixture.observed('a');
      const error = await expectRejection(() => fixture.election('b').transfer('c'), 'NOT_LEADER', 'transfer');
      expectEqual(error.leader?.nodeId, 'a', 'the leader that the error tells');
    },
    skipped,
  );
  suite.test(
    'transfer to one who is no candidate rejects with NOT_FOUND, and changes nothing',
    async (fixture) => {
      const grant = await fixture.elect('a');
      await expectRejection(() => fixture.election('a').transfer('b'), 'NOT_FOUND', 'to a node that does not stand');
      await expectRejection(() => fixture.election('a').transfer('nobody'), 'NOT_FOUND', 'to a node that is not known');
      expectThat(grant.isValid(), 'the leader still leads');
    },
    skipped,
  );
  suite.test(
    'transfer rejects with UNSUPPORTED',
    async (fixture) => {
      await fixture.elect('a');
      await expectRejection(() => fixture.election('a').transfer('b'), 'UNSUPPORTED', 'transfer');
    },
    transfers ? 'supports.transfer is true' : undefined,
  );
}
