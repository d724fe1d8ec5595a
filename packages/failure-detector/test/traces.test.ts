import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { judge } from './traces/judge.ts';
import { detectors, table, traces } from './traces/table.ts';

describe('the detectors on traces of arrivals', () => {
  it('do what the README says they do', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const shown = /<!-- traces -->\n\n(.*?)\n\n<!-- end of traces -->/su.exec(readme)?.[1];
    // A difference is the new table: see whether it is right, and take it over.
    expect(shown).toBe(table());
  });

  it.each(Object.entries(detectors))('a regular node is never held for failed, and seen to stop: %s', (_, factory) => {
    const { falsePositives, detectionMs } = judge(factory, traces[0]!);
    expect(falsePositives).toBe(0);
    expect(detectionMs).toBeGreaterThan(100);
    expect(detectionMs).toBeLessThanOrEqual(500);
  });

  it('recordings have all in order, and enough of it', () => {
    for (const { arrivals, stoppedAt } of traces) {
      expect(arrivals.length).toBeGreaterThan(1_000);
      expect(arrivals.every((at, n) => n === 0 || at >= arrivals[n - 1]!)).toBe(true);
      expect(stoppedAt).toBeGreaterThanOrEqual(arrivals.at(-1)!);
    }
  });
});
