import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutIndex,
  isSnapshotDue,
  type LogExtent,
  type LogGrowth,
  readPolicyOptions,
  type SnapshotPolicySettings,
} from '../../src/snapshots/snapshot-policy.ts';

const MIB = 1024 * 1024;
const defaults = readPolicyOptions('test', {});
const settings: fc.Arbitrary<SnapshotPolicySettings> = fc.record({
  everyEntries: fc.integer({ min: 1, max: 1000 }),
  everyBytes: fc.integer({ min: 1, max: 100_000 }),
  keepEntries: fc.nat(100),
  keepBytes: fc.nat(10_000),
});

describe('a snapshot is due', () => {
  const growth: LogGrowth = { entries: 0, bytes: 0, snapshotSize: 0, isSending: false };
  const due = (given: Partial<LogGrowth>) => isSnapshotDue(defaults, { ...growth, ...given });

  it('after so many entries, or bytes', () => {
    expect(due({ entries: 99_999, bytes: 64 * MIB - 1 })).toBe(false);
    expect(due({ entries: 100_000 })).toBe(true);
    expect(due({ bytes: 64 * MIB })).toBe(true);
  });

  it('later where the state is large, so that it costs no more than the log', () => {
    expect(due({ entries: 100_000, bytes: 10 * MIB, snapshotSize: 64 * MIB })).toBe(true);
    expect(due({ entries: 10_000_000, bytes: 900 * MIB, snapshotSize: 1000 * MIB })).toBe(false);
    expect(due({ entries: 1, bytes: 1000 * MIB, snapshotSize: 1000 * MIB })).toBe(true);
  });

  it('much later while the last one is on its way to somebody, but not never', () => {
    expect(due({ entries: 799_999, bytes: 512 * MIB - 1, isSending: true })).toBe(false);
    expect(due({ entries: 800_000, isSending: true })).toBe(true);
    expect(due({ bytes: 512 * MIB, isSending: true })).toBe(true);
    expect(due({ bytes: 7999 * MIB, snapshotSize: 1000 * MIB, isSending: true })).toBe(false);
    expect(due({ bytes: 8000 * MIB, snapshotSize: 1000 * MIB, isSending: true })).toBe(true);
  });

  it('the sooner the more there is, and at some time', () => {
    const some = fc.record({
      entries: fc.nat(2000),
      bytes: fc.nat(2e5),
      snapshotSize: fc.nat(4e5),
      isSending: fc.boolean(),
    });
    fc.assert(
      fc.property(settings, some, fc.nat(1000), fc.nat(1e5), (given, now, entries, bytes) => {
        const later = { ...now, entries: now.entries + entries, bytes: now.bytes + bytes };
        if (isSnapshotDue(given, now)) expect(isSnapshotDue(given, later)).toBe(true);
        expect(isSnapshotDue(given, { ...now, entries: 8000, bytes: 8 * 4e5 })).toBe(true);
      }),
    );
  });
});

describe('the log is cut', () => {
  /** Entries of ten bytes each. */
  const extent = (given: Partial<Omit<LogExtent, 'bytesFrom'>>): LogExtent => {
    const log = { firstIndex: 1, lastIndex: 10_000, snapshotIndex: 9000, needed: [], ...given };
    return { ...log, bytesFrom: (index) => Math.max(0, log.lastIndex + 1 - index) * 10 };
  };
  const cut = (given: Partial<Omit<LogExtent, 'bytesFrom'>>) =>
    cutIndex({ ...defaults, keepEntries: 1000, keepBytes: 50_000 }, extent(given));

  it('up to the snapshot, but for the last entries', () => {
    expect(cut({})).toBe(9000);
    expect(cut({ snapshotIndex: 9500 })).toBe(9000);
    expect(cut({ snapshotIndex: 8000 })).toBe(8000);
    expect(cut({ snapshotIndex: 0 })).toBe(0);
    expect(cut({ lastIndex: 500, snapshotIndex: 500 })).toBe(0);
    expect(cut({ firstIndex: 8501, snapshotIndex: 8000 })).toBe(8500);
  });

  it('not beyond what followers need, unless that is too much', () => {
    expect(cut({ needed: [10_001, 9001, 9000] })).toBe(8999);
    expect(cut({ needed: [7001, 6000] })).toBe(5999);
    expect(cut({ needed: [5001] })).toBe(5000);
    expect(cut({ needed: [5000] })).toBe(9000);
    expect(cut({ needed: [5000, 7001] })).toBe(7000);
  });

  it('not for whoever needs what is gone already', () => {
    expect(cut({ firstIndex: 8000, needed: [7999, 8000] })).toBe(7999);
    expect(cut({ firstIndex: 8000, needed: [7999] })).toBe(9000);
  });

  it('never beyond any of these bounds', () => {
    const log = fc
      .record({
        firstIndex: fc.integer({ min: 1, max: 500 }),
        entries: fc.nat(1000),
        behind: fc.nat(1500),
        needed: fc.array(fc.nat(1600), { maxLength: 5 }),
        sizes: fc.integer({ min: 0, max: 100 }),
      })
      .map(({ firstIndex, entries, behind, needed, sizes }): LogExtent => {
        const lastIndex = firstIndex - 1 + entries;
        const snapshotIndex = Math.max(0, lastIndex - behind);
        const bytesFrom = (index: number) => Math.max(0, lastIndex + 1 - index) * sizes;
        return { firstIndex, lastIndex, snapshotIndex, needed, bytesFrom };
      });
    fc.assert(
      fc.property(settings, log, (given, extent) => {
        const { firstIndex, lastIndex, snapshotIndex, needed } = extent;
        const index = cutIndex(given, extent);
        expect(index).toBeGreaterThanOrEqual(firstIndex - 1);
        if (index === firstIndex - 1) return;
        expect(index).toBeLessThanOrEqual(Math.min(snapshotIndex, lastIndex - given.keepEntries));
        for (const need of needed) {
          if (need >= firstIndex && need <= index) expect(extent.bytesFrom(need)).toBeGreaterThan(given.keepBytes);
        }
        // What is kept beyond the two bounds is kept for somebody.
        const most = Math.min(snapshotIndex, lastIndex - given.keepEntries);
        if (index < most) expect(needed).toContain(index + 1);
      }),
    );
  });
});
