import type { RaftNode } from '@quorate/raft';
import { describe, expect, it } from 'vitest';
import { importMutant, type Mutation } from '../src/mutants.ts';
import { runRaftChaos } from '../src/raft/chaos.ts';
import { runLeaseChaos } from '../src/raft/lease-chaos.ts';
import { leaseMutations } from '../src/raft/lease-mutations.ts';
import { raftMutations } from '../src/raft/mutations.ts';

type Life = (seed: number, Node: typeof RaftNode) => void;

/** The last two: a committed change of the configuration that no node can apply. */
const BROKEN_PROMISE =
  /^(?:election safety|log matching|commit safety|leader completeness|state machine safety|durability|stale read|stale lease|went back|nonsense|spinning):|^the configuration is (?:not )?joint|^a joint configuration must be left/u;
const MAX_SEEDS = 1500;

/** The first seed from `from` on at which the mutant breaks a promise. Being stopped by a check of its own is none. */
function firstFailure(
  run: Life,
  Node: typeof RaftNode,
  from: number,
): { readonly seed: number; readonly message: string } {
  let other = 'nothing';
  for (let seed = from; seed < from + MAX_SEEDS; seed += 1) {
    try {
      run(seed, Node);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (BROKEN_PROMISE.test(message)) return { seed, message };
      other = message;
    }
  }
  return { seed: from, message: `no broken promise in ${MAX_SEEDS} seeds; otherwise: ${other}` };
}

async function isNoticed(run: Life, mutation: Mutation & { readonly seed: number }): Promise<void> {
  const mutant = await importMutant<{ RaftNode: typeof RaftNode }>('raft', mutation);
  const { seed, message } = firstFailure(run, mutant.RaftNode, mutation.seed);
  expect(message).toMatch(BROKEN_PROMISE);
  if (seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}: ${message}`);
}

describe('the chaos notices when', () => {
  it.each(raftMutations)('$name', (mutation) => isNoticed(runRaftChaos, mutation), 60_000);
});

describe('the chaos around leases notices when', () => {
  it.each(leaseMutations)('$name', (mutation) => isNoticed(runLeaseChaos, mutation), 60_000);
});
