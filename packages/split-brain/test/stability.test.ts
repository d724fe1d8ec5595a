import { describe, expect, it } from 'vitest';

import { StabilityMargin } from '../src/stability.ts';

const SPLIT = { split: true, settled: true };

describe('the margin', () => {
  const margin = () => new StabilityMargin({ stableAfterMs: 100, downAllWhenUnstableMs: 400 });

  it('is over when nothing has changed for so long', () => {
    const stability = margin();
    stability.changed(1_000);
    expect([1_000, 1_099, 1_100].map((now) => stability.judge(now, SPLIT))).toEqual(['waiting', 'waiting', 'stable']);
  });

  it('begins anew with each change, and ends in being unstable', () => {
    const stability = margin();
    const seen: string[] = [];
    for (let now = 1_000; now <= 1_400; now += 50) {
      stability.changed(now);
      seen.push(stability.judge(now, SPLIT));
    }
    expect(seen).toEqual([...Array.from({ length: 8 }, () => 'waiting'), 'unstable']);
  });

  it('is not over while somebody is suspect, and that has an end too', () => {
    const stability = margin();
    stability.changed(1_000);
    const judge = (now: number) => stability.judge(now, { split: true, settled: false });
    expect([1_000, 1_200, 1_399, 1_400].map(judge)).toEqual(['waiting', 'waiting', 'waiting', 'unstable']);
  });

  it('is calm when nobody is unreachable, and the bound begins anew', () => {
    const stability = margin();
    stability.changed(1_000);
    expect(stability.judge(1_000, SPLIT)).toBe('waiting');
    expect(stability.judge(1_300, { split: false, settled: true })).toBe('calm');
    stability.changed(1_350);
    expect([1_350, 1_440].map((now) => stability.judge(now, SPLIT))).toEqual(['waiting', 'waiting']);
  });

  it('and its bound begin anew after a pause', () => {
    const stability = margin();
    stability.changed(1_000);
    stability.judge(1_000, SPLIT);
    stability.paused(9_000);
    expect([9_000, 9_099, 9_100].map((now) => stability.judge(now, SPLIT))).toEqual(['waiting', 'waiting', 'stable']);
  });
});
