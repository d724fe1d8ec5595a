import { expect, it } from 'vitest';
import { RegistryKeeper } from '../../src/demo/registry-keeper.ts';
import type { NodeView } from '../../src/demo/supervisor.ts';
import type { NamedNode } from '../../src/discovery-registry.ts';

function node(id: string, process: NodeView['process']): NodeView {
  return { id, address: `127.0.0.1:${id}`, url: '', pid: undefined, process, status: undefined };
}

it('tells who runs, one after the other, whenever a process starts or ends', async () => {
  const told: string[] = [];
  let calls = 0;
  const publish = async (running: readonly NamedNode[]) => {
    calls += 1;
    await Promise.resolve();
    expect(calls).toBe(1);
    calls -= 1;
    told.push(running.map(({ id, address }) => `${id}@${address}`).join(' '));
  };
  let changed = () => {};
  const supervisor = {
    nodes: [node('1', 'stopped'), node('2', 'stopped')],
    listen: (listener: () => void) => {
      changed = listener;
      return { [Symbol.dispose]: () => (changed = () => {}) };
    },
  };
  const keeper = new RegistryKeeper(supervisor, publish);
  const become = (...states: readonly NodeView['process'][]) => {
    supervisor.nodes = states.map((state, index) => node(String(index + 1), state));
    changed();
  };
  become('starting', 'stopped');
  become('running', 'starting');
  become('paused', 'running');
  become('killed', 'running');
  become('killed', 'running');
  await keeper[Symbol.asyncDispose]();
  become('killed', 'killed');
  expect(told).toEqual(['1@127.0.0.1:1', '1@127.0.0.1:1 2@127.0.0.1:2', '2@127.0.0.1:2']);
});
