import { describe, expect, it } from 'vitest';
import { runRaftChaos } from '../src/raft/chaos.ts';

const SEEDS = Number(process.env['RAFT_SEEDS'] ?? 600);
const BLOCK = 100;
const blocks = Array.from({ length: Math.ceil(SEEDS / BLOCK) }, (_, i) => 1 + i * BLOCK);

describe('a group of Raft in chaos keeps its promises, and goes on in peace', () => {
  it.each(blocks)('from seed %i on', (from) => {
    for (let seed = from; seed < from + BLOCK; seed += 1) {
      expect(() => runRaftChaos(seed), `seed ${seed}`).not.toThrow();
    }
  });
});
