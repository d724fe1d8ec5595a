import { type Clock, isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coreConfig } from '../src/core-config.ts';
import { readGroupOptions, type RaftGroupOptions } from '../src/group-options.ts';
import { agreedSettings, agreedTransfer, type AnyGroupUse } from '../src/group-use.ts';
import { CATCH_UP_TICKS } from '../src/ticker.ts';

function use(owner: string, options: Partial<RaftGroupOptions> = {}, rest: Partial<AnyGroupUse> = {}): AnyGroupUse {
  return { owner, settings: readGroupOptions(owner, { voters: ['a', 'b', 'c'], ...options }), ...rest };
}

/** What is said of uses that contradict each other. */
function refusal(...uses: readonly AnyGroupUse[]): string {
  try {
    agreedSettings(uses);
    agreedTransfer(uses);
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('those who use one group', () => {
  it('may leave its clock drift to each other; a default counts when nobody names one', () => {
    const careless = use('one');
    const anxious = use('two', {}, { defaultMaxClockDrift: 0.01 });
    const sure = use('three', { maxClockDrift: 0.05 });
    expect(agreedSettings([careless]).maxClockDrift).toBeUndefined();
    expect(agreedSettings([careless, anxious]).maxClockDrift).toBe(0.01);
    expect(agreedSettings([anxious, careless, sure]).maxClockDrift).toBe(0.05);
    expect(agreedSettings([sure, anxious]).maxClockDrift).toBe(0.05);
  });

  it('contradict each other by name, whichever comes first', () => {
    const [first, other] = [use('one'), use('two', { timings: { heartbeatMs: 40 } })];
    const said = 'share a Raft group, and must be given the same timings.heartbeatMs: got';
    expect(refusal(first, other)).toBe(`one and two ${said} 50 and 40`);
    expect(refusal(other, first)).toBe(`two and one ${said} 40 and 50`);
    expect(refusal(first, use('three'), other)).toBe(`one and two ${said} 50 and 40`);
  });

  it('contradict each other though the first of them has left it open', () => {
    const [one, two] = [use('one', { maxClockDrift: 0.02 }), use('two', { maxClockDrift: 0.03 })];
    expect(refusal(use('open'), one, two)).toContain(
      'one and two share a Raft group, and must be given the same maxClock',
    );
  });

  it('may leave priorities to each other, and say the same in any order', () => {
    const [silent, one] = [use('silent'), use('one', { priorities: { b: 2, a: 1 } })];
    expect(agreedSettings([silent, one]).priorities).toEqual({ a: 1, b: 2 });
    expect(agreedSettings([one, use('two', { priorities: { a: 1, b: 2 } })]).priorities).toEqual({ a: 1, b: 2 });
    expect(refusal(one, use('two', { priorities: { a: 1 } }))).toContain(
      'the same priorities: got {"a":1,"b":2} and {"a":1}',
    );
  });

  it.each([{ a: -1 }, { a: 1.5 }, { a: 1001 }, { 'not an id': 1 }, [1], 'a', 7])(
    'are refused priorities %o',
    (priorities) => {
      const options = { voters: ['a'], priorities } as unknown as RaftGroupOptions;
      expect(() => readGroupOptions('test', options)).toThrow(/test: priorities must be up to 128 node ids/u);
    },
  );

  it('are all of the founders, or none of them', () => {
    const founders = use('one', { voters: 'founders' });
    expect(agreedSettings([founders, use('two', { voters: 'founders' })]).voters).toBe('founders');
    expect(refusal(founders, use('two'))).toBe(
      'one and two share a Raft group, and must be given the same voters: got "founders" and ["a","b","c"]',
    );
  });

  it('have one state machine at most', () => {
    const machine = () => undefined;
    expect(refusal(use('one', {}, { machine }), use('two'))).toBe('accepted');
    expect(refusal(use('one', {}, { machine }), use('two', {}, { machine }))).toContain('just one machine');
  });
});

describe('those who use groups of one node', () => {
  it('agree about how snapshots are sent, as far as they say', () => {
    const [slow, few] = [
      use('one', {}, { transfer: { snapshotBytesPerSecond: 100_000 } }),
      use('two', {}, { transfer: { maxSends: 1 } }),
    ];
    expect(agreedTransfer([slow, use('silent'), few])).toEqual({ snapshotBytesPerSecond: 100_000, maxSends: 1 });
    expect(refusal(slow, few)).toBe('accepted');
    const fast = use('fast', {}, { transfer: { snapshotBytesPerSecond: Infinity, maxSends: 1 } });
    expect(refusal(slow, few, fast)).toBe(
      'one and fast share how their node sends snapshots, and must be given the same ' +
        'snapshotTransfer.snapshotBytesPerSecond: got 100000 and Infinity',
    );
  });
});

describe('a lease', () => {
  const clock: Clock = {
    now: () => 0,
    wallTime: () => 0,
    setTimer: () => ({ cancel: () => undefined }),
    defer: () => undefined,
  };

  it('ends before the promises behind it, however clocks differ within what they may', () => {
    const drifts = fc.double({ min: 0, max: 0.2, noNaN: true });
    fc.assert(
      fc.property(drifts, fc.constantFrom('fast', 'lan', 'wan'), (drift, profile) => {
        const settings = readGroupOptions('test', { voters: ['a'], profile, maxClockDrift: drift });
        const { electionTicks, lease } = coreConfig(settings, clock);
        const { tickMs } = settings.timings;
        // The first tick may come at once, and be as late as those behind it make up for.
        const promisedMs = (electionTicks - 1 - CATCH_UP_TICKS) * tickMs;
        // In true time: the leader's clock is as slow as it may be, and that of the follower as fast.
        const leaseMs = ((electionTicks - 1) * (lease?.tickMs ?? 0) * (1 - (lease?.maxDrift ?? 0))) / (1 - drift);
        expect(leaseMs).toBeGreaterThan(settings.timings.heartbeatMs);
        expect(leaseMs).toBeLessThanOrEqual((promisedMs / (1 + drift)) * (1 + 1e-12));
      }),
    );
  });

  it('can be renewed before it ends: timings that leave no time for that are refused', () => {
    const coarse = { tickMs: 50, heartbeatMs: 50, electionMs: 199 };
    expect(() => readGroupOptions('test', { voters: ['a'], timings: coarse })).toThrow(
      /timings\.tickMs must be at most/u,
    );
    const { lease } = coreConfig(
      readGroupOptions('test', { voters: ['a'], timings: { ...coarse, electionMs: 200 }, maxClockDrift: 0.01 }),
      clock,
    );
    expect(lease?.maxDrift).toBeLessThan(1);
  });
});
