import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inflights } from '../src/inflights.ts';
import { Progress } from '../src/progress.ts';

const start = (next = 1, maxInflightMessages = 256): Progress =>
  new Progress({ next, isLearner: false, window: { maxInflightMessages, maxInflightBytes: Infinity } });

describe('the window of messages in flight', () => {
  it('holds what a list would hold', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ add: fc.integer({ min: 0, max: 3 }), bytes: fc.integer({ min: 0, max: 40 }) }),
        fc.record({ upTo: fc.integer({ min: 0, max: 60 }) }),
      ),
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 100 }), (steps, messages, bytes) => {
        const window = new Inflights(messages, bytes);
        let list: { index: number; bytes: number }[] = [];
        let last = 0;
        for (const step of steps) {
          if ('upTo' in step) {
            window.acknowledge(step.upTo);
            list = list.filter(({ index }) => index > step.upTo);
          } else if (!window.full) {
            last += step.add;
            window.add(last, step.bytes);
            list.push({ index: last, bytes: step.bytes });
          }
          const total = list.reduce((sum, message) => sum + message.bytes, 0);
          expect(window.count).toBe(list.length);
          expect(window.bytes).toBe(total);
          expect(window.full).toBe(list.length >= messages || total >= bytes);
        }
      }),
    );
  });

  it('refuses a message when it is full, and starts anew when cleared', () => {
    const window = new Inflights(1, Infinity);
    window.add(1, 1_000_000);
    expect(() => window.add(2, 0)).toThrow('full window');
    window.clear();
    expect([window.count, window.bytes, window.full]).toEqual([0, 0, false]);
  });
});

describe('the progress of a follower', () => {
  const step = fc.oneof(
    fc.constantFrom('probe' as const, 'replicate' as const, 'snapshot' as const, 'send' as const),
    fc.record({ acknowledge: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ rejected: fc.integer({ min: 0, max: 30 }), hint: fc.integer({ min: 0, max: 30 }) }),
  );

  it('never sends what is known to be there, and never forgets what is', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const progress = start(5, 3);
        for (const step of steps) {
          const before = progress.match;
          if (step === 'probe') progress.becomeProbe();
          else if (step === 'replicate') progress.becomeReplicate();
          else if (step === 'snapshot') progress.becomeSnapshot(progress.next + 2);
          else if (step === 'send') {
            if (!progress.paused) progress.sentEntries(2, 10);
          } else if ('acknowledge' in step) progress.acknowledge(step.acknowledge);
          else progress.stepBack(step.rejected, step.hint);
          expect(progress.match).toBeGreaterThanOrEqual(before);
          expect(progress.next).toBeGreaterThan(progress.match);
        }
      }),
    );
  });

  it('probes with one message at a time', () => {
    const progress = start(5);
    progress.sentEntries(2, 10);
    expect([progress.paused, progress.next]).toEqual([true, 5]);
    expect(progress.stepBack(4, 2)).toBe(true);
    expect([progress.paused, progress.next]).toEqual([false, 3]);
    expect(progress.stepBack(4, 2)).toBe(false);
  });

  it('streams until its window is full, and goes on when room is made', () => {
    const progress = start(1, 2);
    progress.becomeReplicate();
    progress.sentEntries(3, 10);
    progress.sentEntries(1, 10);
    expect([progress.paused, progress.next, progress.inflights.bytes]).toEqual([true, 5, 20]);
    progress.inflights.acknowledge(3);
    expect(progress.acknowledge(3)).toBe(true);
    expect([progress.paused, progress.match, progress.inflights.count]).toEqual([false, 3, 1]);
  });

  it('steps back from the stream to what is known, but not for an old refusal', () => {
    const progress = start(1);
    progress.becomeReplicate();
    progress.sentEntries(6, 10);
    progress.acknowledge(4);
    expect([progress.stepBack(4, 2), progress.next]).toEqual([false, 7]);
    expect([progress.stepBack(5, 2), progress.next]).toEqual([true, 5]);
  });

  it('probes after a snapshot from where that ends, if it arrived', () => {
    const progress = start(5);
    progress.becomeSnapshot(20);
    expect([progress.paused, progress.next, progress.pendingSnapshot]).toEqual([true, 21, 20]);
    progress.becomeProbe();
    expect([progress.state, progress.next, progress.pendingSnapshot]).toEqual(['probe', 21, 0]);
  });

  it('tells the commit index when that lets the follower commit more', () => {
    const progress = start(5);
    progress.becomeReplicate();
    progress.sentEntries(4, 10);
    expect(progress.canBumpCommit(3)).toBe(true);
    progress.sentCommit(3);
    expect(progress.canBumpCommit(3)).toBe(false);
    expect(progress.canBumpCommit(4)).toBe(true);
    progress.sentCommit(4);
    expect(progress.canBumpCommit(9)).toBe(false);
  });
});
