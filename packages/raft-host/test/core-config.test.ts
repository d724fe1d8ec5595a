import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { coreConfig } from '../src/core-config.ts';
import { type RaftGroupOptions, readGroupOptions } from '../src/group-options.ts';
import { CATCH_UP_TICKS } from '../src/ticker.ts';

function configOf(options: Omit<RaftGroupOptions, 'voters'>) {
  const host = createWorld({ seed: 1 }).host('a');
  host.start(() => undefined);
  return coreConfig(readGroupOptions('test', { voters: ['a'], ...options }), host.system.clock);
}

const timings = [
  { tickMs: 10, heartbeatMs: 50, electionMs: 200 },
  { tickMs: 25, heartbeatMs: 50, electionMs: 200 },
  { tickMs: 50, heartbeatMs: 50, electionMs: 200 },
  { tickMs: 100, heartbeatMs: 500, electionMs: 5000 },
];

describe('a lease', () => {
  for (const each of timings) {
    it.each([0, 0.001, 0.05, 0.2])(
      `of ${each.electionMs / each.tickMs} ticks ends with the shortest promise where clocks drift by %f`,
      (maxClockDrift) => {
        const { lease, electionTicks } = configOf({ timings: each, maxClockDrift });
        const { tickMs, maxDrift } = lease ?? { tickMs: 0, maxDrift: 0 };
        // In true time: by the slowest of clocks, as consensus counts it.
        const leaseMs = ((electionTicks - 1) * tickMs * (1 - maxDrift)) / (1 - maxClockDrift);
        // By the fastest of clocks: the first tick comes at once, and others make up for its being late.
        const promiseMs = ((electionTicks - 1 - CATCH_UP_TICKS) * tickMs) / (1 + maxClockDrift);
        expect(leaseMs).toBeCloseTo(promiseMs, 6);
      },
    );
  }

  it('there is none where nobody said how far clocks drift', () => {
    expect(configOf({}).lease).toBeUndefined();
  });
});
