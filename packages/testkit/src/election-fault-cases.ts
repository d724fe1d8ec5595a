import type { ElectionFixture } from './election-fixture.ts';
import { expectEqual, expectThat } from './expectations.ts';
import type { Suite } from './suite.ts';

/** What may befall nodes. That no two grants are valid at one time is checked at every step of each of these. */
export function electionFaultCases(suite: Suite<ElectionFixture>, decidedElsewhere: boolean): void {
  suite.group('faults', () => {
    crashCases(suite);
    minorityCases(suite, decidedElsewhere);
    separationCases(suite);
  });
}

function crashCases(suite: Suite<ElectionFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'when the leader crashes another is elected, with a greater token',
    async (fixture) => {
      fixture.candidates();
      const first = await fixture.leader();
      fixture.cluster.crash(first.id);
      const second = await fixture.leader();
      expectThat(second.grant.token > first.grant.token, 'the next token is greater');
      await fixture.observed(second.id);
    },
    skipped,
  );
  suite.test(
    'a leader that crashed and is back observes who leads now',
    async (fixture, bed) => {
      fixture.candidates();
      const first = await fixture.leader();
      fixture.cluster.crash(first.id);
      const second = await fixture.leader();
      await fixture.cluster.start(first.id);
      fixture.candidates([first.id]);
      await fixture.observed(second.id);
      await bed.pass(fixture.electedWithinMs / 6);
      expectThat(second.grant.isValid(), 'the leader is not deposed by who comes back');
    },
    skipped,
  );
  suite.test(
    'tokens grow across restarts of every node',
    async (fixture) => {
      for (let round = 0; round < 3; round += 1) {
        const before = fixture.highestToken;
        fixture.candidates();
        expectThat((await fixture.leader()).grant.token > before, `the token of round ${round} is greater`);
        for (const { id } of fixture.cluster.live) fixture.cluster.crash(id);
        await fixture.cluster.startAll();
      }
    },
    skipped,
  );
}

function minorityCases(suite: Suite<ElectionFixture>, decidedElsewhere: boolean): void {
  suite.test(
    'a minority elects nobody',
    async (fixture, bed) => {
      fixture.candidates();
      const { id } = await fixture.leader();
      for (const other of fixture.cluster.ids) if (other !== id) fixture.cluster.crash(other);
      await bed.pass(fixture.electedWithinMs / 2);
      expectEqual(fixture.election(id).leadership?.isValid() ?? false, false, 'whether a node alone leads');
    },
    decidedElsewhere ? 'it is not the nodes that decide' : suite.withoutFaults,
  );
}

function separationCases(suite: Suite<ElectionFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'the grant of a leader that is cut off ends, and then another begins',
    async (fixture, bed) => {
      fixture.candidates();
      const first = await fixture.leader();
      fixture.cluster.isolate(first.id);
      const second = await fixture.leader(first.id);
      expectThat(!first.grant.isValid(), 'the grant of the one who is cut off has ended');
      await bed.until('its signal', () => first.grant.signal.aborted);
      expectThat(second.grant.token > first.grant.token, 'the next token is greater');
      fixture.cluster.heal();
      await fixture.observed(second.id);
    },
    skipped,
  );
  suite.test(
    'a leader that stood still for long finds its grant ended',
    async (fixture, bed) => {
      fixture.candidates();
      const first = await fixture.leader();
      fixture.cluster.pause(first.id);
      const second = await fixture.leader(first.id);
      expectThat(!first.grant.isValid(), 'the grant of the one who stands still has ended');
      await bed.pass(1_000);
      fixture.cluster.resume(first.id);
      await fixture.observed(second.id);
      expectThat(first.grant.signal.aborted, 'its signal has aborted');
    },
    skipped,
  );
  suite.test(
    'a follower that is cut off does not depose the leader when it is back',
    async (fixture, bed) => {
      const grant = await fixture.elect('a');
      fixture.candidates(['b', 'c']);
      fixture.cluster.isolate('b');
      await bed.pass(fixture.electedWithinMs / 3);
      fixture.cluster.heal();
      await fixture.observed('a');
      await bed.pass(fixture.electedWithinMs / 6);
      expectThat(grant.isValid(), 'the grant holds all the while');
    },
    skipped,
  );
  suite.test(
    'after any of these, there is a leader again',
    async (fixture, bed) => {
      fixture.candidates();
      for (const fault of ['isolate', 'pause', 'crash'] as const) {
        const { id } = await fixture.leader();
        fixture.cluster[fault](id);
        await bed.pass(700);
        fixture.cluster.heal();
        if (fault === 'crash') await fixture.cluster.start(id);
        else fixture.cluster.resume(id);
        fixture.candidates();
        const next = await fixture.leader();
        await fixture.observed(next.id);
      }
    },
    skipped,
  );
}
