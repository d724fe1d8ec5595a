import { expect, it } from 'vitest';
import type { NamedNode } from '../src/discovery-registry.ts';
import { History } from '../src/history.ts';
import { RunningNodes } from '../src/running-nodes.ts';

it('tells who runs, one after the other, whenever a process starts or ends', async () => {
  const history = new History();
  const told: string[] = [];
  let calls = 0;
  const publish = async (running: readonly NamedNode[]) => {
    calls += 1;
    await Promise.resolve();
    expect(calls).toBe(1);
    calls -= 1;
    told.push(running.map(({ id, address }) => `${id}@${address}`).join(' '));
  };
  const nodes = new RunningNodes({ history, publish, addressOf: (id) => `127.0.0.1:${id === 'a' ? 1 : 2}` });
  const exit = { type: 'exited', at: 0, code: 0, signal: undefined, expected: true, output: [] } as const;
  history.record({ source: 'process', node: 'a', type: 'spawned', at: 0, pid: 1 });
  history.record({ source: 'process', node: 'b', type: 'spawned', at: 0, pid: 2 });
  history.record({ source: 'process', node: 'a', type: 'killed', at: 0 });
  history.record({ source: 'process', node: 'a', ...exit });
  history.record({ source: 'process', node: 'a', ...exit });
  await nodes[Symbol.asyncDispose]();
  history.record({ source: 'process', node: 'b', ...exit });
  expect(told).toEqual(['a@127.0.0.1:1', 'a@127.0.0.1:1 b@127.0.0.1:2', 'b@127.0.0.1:2']);
});
