import { type MonotonicMs, type System } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { OpenClaim } from '../src/open-claim.ts';

async function claimOf(world: World): Promise<{ readonly claim: OpenClaim; readonly now: MonotonicMs }> {
  let system: System | undefined;
  world.host('a').start((own) => {
    system = own;
  });
  await world.runUntil(() => system !== undefined, 1_000);
  const { clock } = system as System;
  const claim = new OpenClaim({
    number: 1,
    request: { name: 'x', share: { kind: 'exclusive' }, ttlMs: 1_000, waits: true },
    clock,
    nodeId: 'a',
    onEnd: () => Promise.resolve(),
  });
  return { claim, now: clock.now() };
}

describe('what a node sees of its claim in a state that may be behind the log', () => {
  it('is news only from after what the log has answered last', async () => {
    const { claim, now } = await claimOf(createWorld({ seed: 'news' }));
    expect(claim.isNews(2)).toBe(false);
    claim.signed(now, { type: 'waiting', after: 2 });
    // As which it had been in the log once, before it ran out and came in again.
    expect(claim.isNews(2)).toBe(false);
    expect(claim.isNews(3)).toBe(true);
    claim.signed(now + 100, { type: 'waiting', after: 5 });
    claim.signed(now + 50, { type: 'waiting', after: 4 });
    expect([claim.isNews(5), claim.isNews(6)]).toEqual([false, true]);
  });

  it('is what the log has answered, where that was too late to be of use', async () => {
    const { claim, now } = await claimOf(createWorld({ seed: 'late' }));
    claim.signed(now - 900, { type: 'held', token: 7 });
    expect(claim.granted(7)).toBe(false);
    expect([claim.isNews(6), claim.isNews(7)]).toEqual([false, true]);
    claim.signed(now, { type: 'held', token: 7 });
    expect(claim.granted(7)).toBe(true);
    expect(claim.isNews(7)).toBe(false);
    claim.giveUp();
  });
});
