import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes } from './group.ts';
import { HostileWorld, type Life } from './hostile-world.ts';

const life: fc.Arbitrary<Life> = fc.record({
  seed: fc.integer(),
  asyncStorageWrites: fc.boolean(),
  checkQuorum: fc.boolean(),
  preVote: fc.boolean(),
  lease: fc.boolean(),
  priorities: fc.boolean(),
});

describe('a group in a hostile world', () => {
  it('never contradicts itself, and goes on as soon as it is left in peace', () => {
    fc.assert(
      fc.property(life, (parameters) => {
        const world = new HostileWorld(parameters);
        world.live(6000);
        world.recover();
        const leader = world.group.leader();
        expect(leader).toBeDefined();
        const before = leader?.index ?? 0;
        expect(leader?.node.propose(bytes('last'))).toBe('ok');
        world.group.settle();
        expect(leader?.index).toBeGreaterThan(before);
        for (const id of leader?.conf.voters ?? [])
          expect(world.group.host(id).index, `node ${id}`).toBe(leader?.index);
      }),
      { numRuns: Number(process.env['RAFT_LIVES'] ?? 60) },
    );
  });
});
