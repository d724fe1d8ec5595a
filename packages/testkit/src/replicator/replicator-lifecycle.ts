import type { Session } from '@quorate/core';

import { expectDefined } from '../expectations.ts';
import { lifecycleRules, type WaitingMethod } from '../lifecycle.ts';
import type { Runner } from '../runner.ts';
import { type SkipReason, Suite } from '../suite.ts';
import type { KeyValueCommand, KeyValueResult } from './key-value-machine.ts';
import { type KeyValueReplicator, ReplicatorFixture, type ReplicatorHarness } from './replicator-fixture.ts';

const next = { type: 'next', key: 'n' } as const;

/** The rules of lifecycle for every method of a replicator, and of a session of it. */
export function replicatorLifecycle(runner: Runner, harness: ReplicatorHarness): void {
  const { sessions, read } = harness.supports;
  const open = (bed: ConstructorParameters<typeof ReplicatorFixture>[1]) => ReplicatorFixture.open(harness, bed);
  const suite = new Suite<Subject>(runner, harness, async (bed) => Subject.open(await open(bed), sessions));
  const waits = suite.withoutFaults === undefined ? { stall: (subject: Subject) => subject.cutOff() } : {};
  const methods = methodsOf(sessions ? undefined : 'supports.sessions is false');
  lifecycleRules(suite, {
    part: ({ replicator }) => replicator,
    clock: ({ fixture }) => fixture.cluster.node('a').machine.clock,
    alsoDispose: ({ fixture }) => fixture.cluster.stop('a'),
    // Other reads need nobody else, and don't wait.
    methods: methods.map((each) =>
      each.name === 'read' && !read.includes('linearizable') ? each : { ...each, ...waits },
    ),
    watches: [{ name: 'watch', open: ({ replicator }, options) => replicator.watch(options) }],
  });
}

function methodsOf(skipped: SkipReason): readonly WaitingMethod<Subject>[] {
  return [
    { name: 'replicate', call: ({ replicator }, options) => replicator.replicate(next, options) },
    { name: 'replicateBatch', call: ({ replicator }, options) => replicator.replicateBatch([next, next], options) },
    { name: 'read', call: ({ replicator }, options) => replicator.read({ type: 'get', key: 'n' }, options) },
    { name: 'openSession', call: ({ replicator }, options) => replicator.openSession(options), skipped },
    { name: 'replicate of a session', call: ({ session }, options) => session.replicate(next, options), skipped },
  ];
}

/** The replicator of `a`, with a session. */
class Subject implements AsyncDisposable {
  readonly fixture: ReplicatorFixture;
  readonly replicator: KeyValueReplicator;
  readonly #session: Session<KeyValueCommand, KeyValueResult> | undefined;

  private constructor(fixture: ReplicatorFixture, session: Session<KeyValueCommand, KeyValueResult> | undefined) {
    this.fixture = fixture;
    this.replicator = fixture.replicator('a');
    this.#session = session;
  }

  static async open(fixture: ReplicatorFixture, withSession: boolean): Promise<Subject> {
    const opening = withSession ? fixture.replicator('a').openSession() : undefined;
    return new Subject(fixture, opening && (await fixture.soon('openSession', opening)));
  }

  get session(): Session<KeyValueCommand, KeyValueResult> {
    return expectDefined(this.#session, 'a session');
  }

  /** Cuts the node off, until the others have a leader: it can't believe to lead by then. */
  async cutOff(): Promise<void> {
    this.fixture.cluster.isolate('a');
    await this.fixture.ready(this.fixture.others('a'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fixture[Symbol.asyncDispose]();
  }
}
