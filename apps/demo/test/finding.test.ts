import { describe, expect, it } from 'vitest';
import type { DiscoveryChoice } from '../src/discoveries.ts';
import { findAgain, forgetDead } from '../src/finding.ts';
import { History } from '../src/history.ts';
import { machineNow } from '../src/report.ts';
import type { Stage } from '../src/stage.ts';

const nodes = [
  { id: 'a', address: '127.0.0.1:1', state: 'running' },
  { id: 'b', address: '127.0.0.1:2', state: 'dead' },
];

interface Scene {
  /** What the node that is asked answers, one answer a question, the last one for all that follow. */
  readonly answers: readonly (readonly string[] | Error)[];
  readonly forgetsWithinMs?: number | undefined;
}

/** A stage on which `b` was killed just now. */
function stageOf({ answers, forgetsWithinMs = 60_000 }: Scene): { stage: Stage; told: string[]; asked: string[] } {
  const history = new History();
  history.record({ source: 'process', node: 'b', type: 'killed', at: machineNow() });
  const told: string[] = [];
  const asked: string[] = [];
  const discover = (node: string) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(node);
    const found =
      answer instanceof Error
        ? { addresses: [], problem: answer.message }
        : { addresses: answer.map((id) => nodes.find((each) => each.id === id)?.address ?? ''), problem: undefined };
    history.record({ source: 'node', node, type: 'discovered', at: machineNow(), ...found });
  };
  const supervisor = { nodes, discover, node: (id: string) => nodes.find((each) => each.id === id) };
  const asks: Pick<DiscoveryChoice, 'asked'> = {
    asked: { start: () => Promise.reject(new Error('not here')), forgetsWithinMs },
  };
  const output = { step: () => undefined, event: (text: string) => void told.push(text) };
  const stage = { history, supervisor, output, discovery: asks, waitMs: 1_000, askMs: 0 };
  return { stage: stage as unknown as Stage, told, asked };
}

describe('a node that was killed', () => {
  it('is asked for until it is no longer found', async () => {
    const { stage, told, asked } = stageOf({ answers: [['a', 'b'], ['a', 'b'], ['a']] });
    await forgetDead(stage);
    expect(asked).toEqual(['a', 'a', 'a']);
    expect(told).toEqual(["a's discovery no longer finds b, within 60000 ms of the kill, as it should be"]);
  });

  it('may not be found any longer than the adapter promises', async () => {
    const { stage } = stageOf({ answers: [['a', 'b']], forgetsWithinMs: 0 });
    await expect(forgetDead(stage)).rejects.toThrow("too late, a's discovery finds 127.0.0.1:1, 127.0.0.1:2");
  });

  it('is not forgotten by a discovery that fails', async () => {
    const { stage } = stageOf({ answers: [new Error('etcd is gone')] });
    await expect(forgetDead(stage)).rejects.toThrow("a's discovery can't tell: etcd is gone");
  });

  it('is found again when it is back', async () => {
    const { stage, told, asked } = stageOf({ answers: [['a'], ['a', 'b']] });
    await findAgain(stage, 'b', machineNow());
    expect(asked).toEqual(['a', 'a']);
    expect(told).toEqual(["a's discovery finds b again"]);
  });
});
