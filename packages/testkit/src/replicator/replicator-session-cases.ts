import type { NodeId, Session } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import type { Suite } from '../suite.ts';
import type { KeyValueCommand, KeyValueResult } from './key-value-machine.ts';
import { type ReplicatorFixture, type ReplicatorHarness, slowLinks } from './replicator-fixture.ts';

type KeyValueSession = Session<KeyValueCommand, KeyValueResult>;

const next = { type: 'next', key: 'n' } as const;
/** What a command of a session has: many a leader can come and go meanwhile. */
const PATIENT = { timeoutMs: 50_000 };
const STRIKES = 4;

/** Sessions: what is tried again takes effect once. */
export function replicatorSessionCases(
  suite: Suite<ReplicatorFixture>,
  { supports, forwards }: ReplicatorHarness,
): void {
  const skipped = supports.sessions ? undefined : 'supports.sessions is false';
  suite.group('sessions', () => {
    plainCases(suite, skipped);
    const onFollower = forwards ? undefined : 'the harness says that followers do not forward';
    retryCases(suite, skipped ?? onFollower ?? suite.withoutFaults);
  });
  suite.test(
    'openSession rejects with UNSUPPORTED',
    async (fixture) => {
      await expectRejection(() => fixture.replicator('a').openSession(), 'UNSUPPORTED', 'openSession');
    },
    supports.sessions ? 'supports.sessions is true' : undefined,
  );
}

function plainCases(suite: Suite<ReplicatorFixture>, skipped: string | undefined): void {
  suite.test(
    'a command of a session has its result',
    async (fixture) => {
      const session = await open(fixture);
      expectEqual(await fixture.soon('a command', session.replicate(next)), 1, 'the result');
      const both = Promise.all([session.replicate(next), session.replicate(next)]);
      expectEqual(await fixture.soon('two at once', both), [2, 3], 'the results, in the order of the calls');
      await session[Symbol.asyncDispose]();
    },
    skipped,
  );
  suite.test(
    'equal commands are told apart: within a session, and of two sessions',
    async (fixture) => {
      const [one, other] = [await open(fixture), await open(fixture)];
      expectThat(one.id !== other.id, 'each session has an id of its own');
      const results: KeyValueResult[] = [];
      for (const session of [one, other, one, other]) {
        results.push(await fixture.soon('a command', session.replicate(next)));
      }
      expectEqual(results, [1, 2, 3, 4], 'the results');
    },
    skipped,
  );
  suite.test(
    'a session that is disposed of takes nothing more, and the replicator does',
    async (fixture) => {
      const session = await open(fixture);
      await fixture.soon('dispose', Promise.all([session[Symbol.asyncDispose](), session[Symbol.asyncDispose]()]));
      await fixture.soon('dispose', Promise.resolve(session[Symbol.asyncDispose]()));
      await expectRejection(() => session.replicate(next), 'CLOSED', 'replicate of the session');
      expectEqual(await fixture.write(next), 1, 'the next result');
    },
    skipped,
  );
  suite.test(
    'a session ends with its replicator',
    async (fixture) => {
      const leader = await fixture.ready();
      const session = await fixture.soon('openSession', fixture.replicator(leader).openSession());
      await fixture.replicator(leader)[Symbol.asyncDispose]();
      await expectRejection(() => session.replicate(next), 'CLOSED', 'replicate of the session');
      await fixture.soon('dispose', Promise.resolve(session[Symbol.asyncDispose]()));
    },
    skipped,
  );
}

function retryCases(suite: Suite<ReplicatorFixture>, skipped: string | undefined): void {
  const faults = {
    'while the leader crashes': async (fixture: ReplicatorFixture) => {
      const leader = await fixture.ready();
      fixture.cluster.crash(leader);
      await fixture.ready();
      await fixture.cluster.start(leader);
    },
    'while the leader is cut off': async (fixture: ReplicatorFixture) => {
      const leader = await fixture.ready();
      fixture.cluster.isolate(leader);
      await fixture.ready(fixture.others(leader));
      fixture.cluster.heal();
    },
    'while the leader stands still': async (fixture: ReplicatorFixture) => {
      const leader = await fixture.ready();
      fixture.cluster.pause(leader);
      await fixture.ready(fixture.others(leader));
      fixture.cluster.resume(leader);
    },
    'while messages are lost, doubled and late': async (fixture: ReplicatorFixture) => {
      const { world } = fixture.bed;
      const hosts = world?.hosts ?? [];
      world?.setLink(hosts, hosts, { loss: 0.1, duplicate: 0.2, reorder: 0.2, latencyMs: 20, jitterMs: 60 });
      await fixture.bed.pass(3_000);
      slowLinks(fixture.bed);
    },
  };
  for (const [when, strike] of Object.entries(faults)) {
    suite.test(
      `a command that is tried again takes effect once, ${when}`,
      async (fixture) => {
        slowLinks(fixture.bed);
        const home = await fixture.follower();
        const session = await open(fixture, home);
        const calm = new AbortController();
        const commands = issue(session, calm.signal);
        for (let round = 0; round < STRIKES; round += 1) {
          await fixture.bed.pass(200);
          // The session ends with its node: where that leads, there is nobody to strike.
          if ((await fixture.ready()) !== home) await strike(fixture);
        }
        calm.abort();
        const results = await fixture.soon('all commands', commands);
        expectThat(results.length > STRIKES, `there were enough commands: ${results.length}`);
        const expected = results.map((_result, at) => at + 1);
        expectEqual(results, expected, 'the results, of one command after another');
      },
      skipped,
    );
  }
  suite.test(
    'a session outlives every leader, and a restart of all nodes but its own',
    async (fixture) => {
      const home = await fixture.follower();
      const session = await open(fixture, home);
      expectEqual(await fixture.soon('a command', session.replicate(next, PATIENT)), 1, 'the first result');
      const others = fixture.others(home);
      for (const other of others) fixture.cluster.crash(other);
      const waiting = session.replicate(next, PATIENT);
      await fixture.bed.pass(1_000);
      await fixture.cluster.startAll(others);
      expectEqual(await fixture.soon('a command that waited', waiting), 2, 'the second result');
      expectEqual(await fixture.soon('a command', session.replicate(next, PATIENT)), 3, 'the third result');
    },
    skipped,
  );
}

/** One command after another, so that there is always one under way. */
async function issue(session: KeyValueSession, calm: AbortSignal): Promise<readonly KeyValueResult[]> {
  const results: KeyValueResult[] = [];
  while (!calm.aborted) results.push(await session.replicate(next, PATIENT));
  // What took effect twice would be seen by this one at the latest.
  results.push(await session.replicate(next, PATIENT));
  return results;
}

async function open(fixture: ReplicatorFixture, id?: NodeId): Promise<KeyValueSession> {
  const home = id ?? (await fixture.ready());
  return await fixture.soon('openSession', fixture.replicator(home).openSession());
}
