import { isClusterError, type System } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { LockReleases } from '../src/lock-releases.ts';

describe('what is given back', () => {
  it('is nothing any more after the end: no attempt, no timer', async () => {
    const world = createWorld({ seed: 'releases' });
    let system: System | undefined;
    world.host('a').start((own) => {
      system = own;
    });
    await world.runUntil(() => system !== undefined, 1_000);
    let attempts = 0;
    const releases = new LockReleases(system as System, async () => {
      attempts += 1;
      throw new Error('nobody is there');
    });
    await world.settled(releases.end(Promise.resolve(), 1_000), 2_000);
    const late = releases.add(1, Infinity);
    await expect(late).rejects.toSatisfy((error) => isClusterError(error, 'QUORUM_LOST'));
    await world.run(60_000);
    expect(attempts).toBe(0);
  });
});
