import { describe, expect, it } from 'vitest';
import type { DiscoveryChoice } from '../../src/discoveries.ts';
import { findAgain, forgetDead } from '../../src/script/finding.ts';

const nodes = [
  { id: 'a', address: '127.0.0.1:1', process: 'running' },
  { id: 'b', address: '127.0.0.1:2', process: 'killed' },
];

interface Scene {
  /** What the node that is asked answers, one answer a question, the last one for all that follow. */
  readonly answers: readonly (readonly string[] | Error)[];
  readonly forgetsWithinMs?: number;
}

type Stage = Parameters<typeof forgetDead>[0];

/** A stage on which `b` was killed just now. */
function stageOf({ answers, forgetsWithinMs = 60_000 }: Scene): { stage: Stage; told: string[]; asked: string[] } {
  const told: string[] = [];
  const asked: string[] = [];
  const discover = (node: string) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(node);
    if (answer instanceof Error) return Promise.resolve({ addresses: [], problem: answer.message });
    const addresses = answer.map((id) => nodes.find((each) => each.id === id)?.address ?? '');
    return Promise.resolve({ addresses, problem: undefined });
  };
  const supervisor = { nodes, discover, node: (id: string) => nodes.find((each) => each.id === id) };
  const asks: Pick<DiscoveryChoice, 'asked'> = {
    asked: { start: () => Promise.reject(new Error('not here')), forgetsWithinMs },
  };
  const output = { step: () => undefined, event: (text: string) => void told.push(text) };
  const stage = { supervisor, output, discovery: asks, waitMs: 1_000 };
  return { stage: stage as unknown as Stage, told, asked };
}

describe('a node that was killed', () => {
  it('is asked for until it is no longer found', async () => {
    const { stage, told, asked } = stageOf({ answers: [['a', 'b'], ['a', 'b'], ['a']] });
    await forgetDead(stage, 'b', performance.now());
    expect(asked).toEqual(['a', 'a', 'a']);
    expect(told).toEqual(["a's discovery no longer finds b, within 60000 ms of the kill, as it should be"]);
  });

  it('may not be found any longer than the adapter promises', async () => {
    const { stage } = stageOf({ answers: [['a', 'b']], forgetsWithinMs: 0 });
    const late = forgetDead(stage, 'b', performance.now());
    await expect(late).rejects.toThrow("too late, a's discovery finds 127.0.0.1:1, 127.0.0.1:2");
  });

  it('is not forgotten by a discovery that fails', async () => {
    const { stage } = stageOf({ answers: [new Error('etcd is gone')] });
    await expect(forgetDead(stage, 'b', performance.now())).rejects.toThrow("a's discovery can't tell: etcd is gone");
  });

  it('is found again when it is back', async () => {
    const { stage, told, asked } = stageOf({ answers: [['a'], ['a', 'b']] });
    await findAgain(stage, 'b', performance.now());
    expect(asked).toEqual(['a', 'a']);
    expect(told).toEqual(["a's discovery finds b again"]);
  });
});
