import { type CallOptions, type ClusterErrorCode, isClusterError } from '@quorate/core';

import type { CountedClock } from './counted-clock.ts';
import { expectEqual, expectRejection, expectThrow, expectThat, show } from './expectations.ts';
import type { SkipReason, Suite } from './suite.ts';
import type { TestBed } from './test-bed.ts';

/** A call of a part that takes time. */
export interface WaitingMethod<F> {
  readonly name: string;
  readonly call: (fixture: F, options: CallOptions) => Promise<unknown>;
  /** Brings it about that the call has to wait for something that doesn't come. Absent: it can't be brought about. */
  readonly stall?: (fixture: F) => unknown;
  /** What the call rejects with here when nothing ends it. */
  readonly otherwise?: ClusterErrorCode;
  /** False for a method that takes no signal. */
  readonly abortable?: boolean;
  readonly skipped?: SkipReason;
}

/** A call of a part that gives an endless iteration. */
interface WatchMethod<F> {
  readonly name: string;
  readonly open: (fixture: F, options: CallOptions) => AsyncIterable<unknown>;
}

/** A part as the rules of lifecycle see it. */
export interface LifecycleSubject<F> {
  readonly part: (fixture: F) => AsyncDisposable;
  readonly methods: readonly WaitingMethod<F>[];
  readonly watches: readonly WatchMethod<F>[];
  /** The clock that the part was given. */
  readonly clock: (fixture: F) => CountedClock;
  /** Disposes of what shares the clock with the part. */
  readonly alsoDispose?: (fixture: F) => Promise<void>;
}

/** How soon is promptly. */
const PROMPTLY_MS = 1_000;

/** The rules that hold for every part and every method of it. */
export function lifecycleRules<F extends AsyncDisposable>(suite: Suite<F>, subject: LifecycleSubject<F>): void {
  suite.group('lifecycle', () => {
    for (const method of subject.methods) methodRules(suite, subject, method);
    for (const watch of subject.watches) watchRules(suite, subject, watch);
    disposalRules(suite, subject);
  });
}

/** Options that a factory must refuse. */
export interface RefusedOptions {
  /** The adapter's factory. */
  readonly factory: (options: never) => unknown;
  /** Each is wrong in the option that it names last. */
  readonly options: readonly Readonly<Record<string, unknown>>[];
}

/** A factory refuses wrong options in the call itself, by name. */
export function optionRules<F extends AsyncDisposable>(suite: Suite<F>, refused: RefusedOptions | undefined): void {
  suite.group('options', () => {
    if (refused === undefined) {
      suite.test('wrong options are refused', () => Promise.resolve(), 'the harness names none');
      return;
    }
    for (const options of [...refused.options, { noSuchOption: 1 }]) {
      suite.test(`refuses ${show(options)}`, async () => {
        const error = expectThrow(() => refused.factory(options as never), 'INVALID_OPTIONS', 'the factory');
        const name = Object.keys(options).at(-1) ?? '';
        expectThat(error.message.includes(name), `the message names ${name}: ${show(error.message)}`);
      });
    }
  });
}

function methodRules<F extends AsyncDisposable>(
  suite: Suite<F>,
  { part }: LifecycleSubject<F>,
  method: WaitingMethod<F>,
): void {
  const { name, call, stall, skipped } = method;
  suite.test(
    `${name} after dispose rejects with CLOSED`,
    async (fixture, bed) => {
      await dispose(part(fixture));
      await expectRejection(() => promptly(bed, name, call(fixture, {})), 'CLOSED', name);
    },
    skipped,
  );
  suite.test(
    `dispose while ${name} waits ends it`,
    async (fixture, bed) => {
      await stall?.(fixture);
      const outcome = settled(call(fixture, {}));
      await dispose(part(fixture));
      await expectEnding(bed, method, outcome, 'CLOSED');
    },
    skipped,
  );
  if (method.abortable === false) return;
  suite.test(
    `${name} with a signal that has aborted rejects with ABORTED`,
    async (fixture, bed) => {
      const signal = AbortSignal.abort();
      await expectRejection(() => promptly(bed, name, call(fixture, { signal })), 'ABORTED', name);
    },
    skipped,
  );
  suite.test(
    `aborting while ${name} waits ends it`,
    async (fixture, bed) => {
      await stall?.(fixture);
      const controller = new AbortController();
      const outcome = settled(call(fixture, { signal: controller.signal }));
      controller.abort();
      await expectEnding(bed, method, outcome, 'ABORTED');
    },
    skipped,
  );
}

function watchRules<F extends AsyncDisposable>(
  suite: Suite<F>,
  { part }: LifecycleSubject<F>,
  { name, open }: WatchMethod<F>,
): void {
  suite.test(`${name} after dispose ends at once`, async (fixture, bed) => {
    await dispose(part(fixture));
    await promptly(bed, name, drain(open(fixture, {})));
  });
  suite.test(`${name} with a signal that has aborted ends at once`, async (fixture, bed) => {
    await promptly(bed, name, drain(open(fixture, { signal: AbortSignal.abort() })));
  });
  suite.test(`dispose ends ${name}`, async (fixture, bed) => {
    const reading = drain(open(fixture, {}));
    await dispose(part(fixture));
    await promptly(bed, name, reading);
  });
  suite.test(`aborting ends ${name}`, async (fixture, bed) => {
    const controller = new AbortController();
    const reading = drain(open(fixture, { signal: controller.signal }));
    await bed.pass(10);
    controller.abort();
    await promptly(bed, name, reading);
  });
}

function disposalRules<F extends AsyncDisposable>(
  suite: Suite<F>,
  { part, clock, methods, watches, alsoDispose }: LifecycleSubject<F>,
): void {
  suite.test('disposing twice, at once or later, is fine', async (fixture, bed) => {
    const both = Promise.all([dispose(part(fixture)), dispose(part(fixture))]);
    await promptly(bed, 'dispose', both);
    await promptly(bed, 'dispose', dispose(part(fixture)));
  });
  suite.test('leaves no timer behind when it is disposed', async (fixture, bed) => {
    const counted = clock(fixture);
    for (const { open } of watches) void drain(open(fixture, {}));
    const usable = methods.filter(({ skipped }) => skipped === undefined);
    const outcomes = usable.map(({ call }) => settled(call(fixture, {})));
    await bed.pass(50);
    await dispose(part(fixture));
    await alsoDispose?.(fixture);
    await promptly(bed, 'every call', Promise.all(outcomes));
    expectEqual(counted.pendingTimers, 0, 'timers that are still to fire');
  });
}

type Outcome = { readonly error: unknown } | 'resolved';

function settled(promise: Promise<unknown>): Promise<Outcome> {
  return promise.then(
    () => 'resolved' as const,
    (error: unknown) => ({ error }),
  );
}

/** A call that certainly had to wait must have been ended; another may have been done before. */
async function expectEnding<F>(
  bed: TestBed,
  { name, stall, otherwise }: WaitingMethod<F>,
  outcome: Promise<Outcome>,
  code: 'CLOSED' | 'ABORTED',
): Promise<void> {
  const ended = await promptly(bed, name, outcome);
  if (stall === undefined && isUndisturbed(ended, otherwise)) return;
  const result = ended === 'resolved' ? Promise.resolve() : Promise.reject(ended.error);
  await expectRejection(() => result, code, name);
}

function isUndisturbed(outcome: Outcome, otherwise: ClusterErrorCode | undefined): boolean {
  if (outcome === 'resolved') return true;
  return otherwise !== undefined && isClusterError(outcome.error, otherwise);
}

function promptly<T>(bed: TestBed, what: string, promise: Promise<T>): Promise<T> {
  return bed.soon(what, promise, PROMPTLY_MS);
}

async function dispose(part: AsyncDisposable): Promise<void> {
  await part[Symbol.asyncDispose]();
}

async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of values) continue;
}
