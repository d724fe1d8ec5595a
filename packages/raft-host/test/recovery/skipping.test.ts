import { ClusterError, isClusterError } from '@quorate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWorld } from '@quorate/simulator';
import { Skipping } from '../../src/recovery/skipping.ts';

const world = createWorld({ seed: 'skipping' });
const system = world.host('a');
system.start(() => undefined);

/** A group that has applied ten entries, and doesn't lead. */
const follower: ConstructorParameters<typeof Skipping>[0] = {
  id: 1,
  clock: system.system.clock,
  leader: () => undefined,
  notLeader: () => new ClusterError('NOT_LEADER', 'not me'),
  halt: () => undefined,
  applied: () => 10,
  hasSkip: ({ index }) => index === 5,
  term: () => 1,
  propose: () => false,
  others: () => [],
  ask: () => Promise.reject(new ClusterError('DISCONNECTED', 'nobody is there')),
};
const skipping = new Skipping(follower);

function request(index: number, place: number): Uint8Array {
  return Uint8Array.of(1, 0, 0, 0, 50, 2, index, place);
}

describe('what other nodes ask about skips', () => {
  it('is answered by whether the command is part of the state here', () => {
    expect([...skipping.answerApplied(request(10, 3))]).toEqual([1, 1]);
    expect([...skipping.answerApplied(request(11, 0))]).toEqual([1, 0]);
    expect([...skipping.answerApplied(request(5, 0))]).toEqual([1, 0]);
  });

  it('is passed back by whoever does not lead', async () => {
    await expect(skipping.answer(request(10, 0))).rejects.toMatchObject({ code: 'NOT_LEADER' });
  });

  it('is refused with an error of its own when it is nonsense, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20 }), async (bytes) => {
        const error: unknown = await skipping.answer(bytes).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(isClusterError(error)).toBe(true);
      }),
    );
    for (const bytes of [[], [1], [2, 0, 0, 0, 50, 2, 10, 0], [1, 0, 0, 0, 50, 1, 10, 0], [1, 0, 0, 0, 50, 2, 0, 0]])
      expect(() => skipping.answerApplied(Uint8Array.from(bytes))).toThrow(ClusterError);
  });
});

describe('a leader', () => {
  it('has no other node have it wait for ever', async () => {
    const leader = new Skipping({ ...follower, leader: () => 'self' });
    const before = system.system.clock.now();
    const days = leader.answer(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 2, 12, 0));
    await expect(world.settled(days, 600_000)).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    expect(system.system.clock.now() - before).toBeLessThan(61_000);
  });

  it('proposes nothing where a skip would not help', async () => {
    const error = new ClusterError('REMOTE', 'of a later release');
    const leader = new Skipping({
      ...follower,
      leader: () => 'self',
      halt: () => ({ index: 11, place: 0, error, canBeSkipped: false }),
      propose: () => {
        throw new Error('it was proposed');
      },
    });
    await expect(leader.skip({ index: 11, place: 0 })).rejects.toMatchObject({ code: 'REFUSED' });
  });
});
