import { describe, expect, it } from 'vitest';
import { type EventOf, History } from '../src/history.ts';
import { type Stage, staysLeader } from '../src/stage.ts';

const granted = (node: string, token: bigint): EventOf<'node', 'granted'> => ({
  source: 'node',
  type: 'granted',
  at: Number(token),
  node,
  token,
});
const ended = (node: string, token: bigint, lapsed: boolean): EventOf<'node', 'ended'> => ({
  source: 'node',
  type: 'ended',
  at: Number(token),
  node,
  token,
  deadline: Number(token),
  lapsed,
  reason: '',
});

/** A stage on which `b` leads in term 2 now, and every ticket is numbered. */
function stageOf(history: History): { stage: Stage; told: string[] } {
  const told: string[] = [];
  const output = { step: () => undefined, event: (text: string) => void told.push(text) };
  const leader = { id: 'b', state: 'running', grant: { token: 2n, beganAt: 0 } };
  const stage = { history, output, measures: [], waitMs: 1000, watchMs: 1, supervisor: { leader, nodes: [leader] } };
  return { stage: stage as unknown as Stage, told };
}

describe('a leader that is to stay', () => {
  it('may not be deposed while it is healthy', async () => {
    const history = new History();
    history.record(granted('b', 2n));
    history.record(ended('a', 1n, false));
    const watching = staysLeader(stageOf(history).stage, { node: 'a', token: 1n }, 0);
    await expect(watching).rejects.toThrow('a was healthy, and was deposed by b in term 2');
  });

  it('may lose its lease on a busy machine: then the next one is watched', async () => {
    const history = new History();
    history.record(granted('b', 2n));
    history.record(ended('a', 1n, true));
    const { stage, told } = stageOf(history);
    const ticket = { source: 'ledger', type: 'accepted', at: 3, node: 'b', token: 2n, number: 1 } as const;
    const working = setInterval(() => history.record(ticket), 1);
    await staysLeader(stage, { node: 'a', token: 1n }, 0).finally(() => clearInterval(working));
    expect(told).toEqual([
      "a's lease ran out: the machine was too busy to renew it; b leads",
      'b still leads in term 2: nobody disturbed it within',
    ]);
  });
});
