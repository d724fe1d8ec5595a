import type { MemberState, NodeId } from '@quorate/core';
import type { MachineMs } from './report.ts';
import { holds, type Stage, timeOf } from './stage.ts';
import type { NodeView } from './supervisor.ts';

/** Waits until all nodes that run believe this of another, and tells how long that took. */
export async function allSee(
  stage: Stage,
  { id, state, as }: { readonly id: NodeId; readonly state: MemberState; readonly as: string },
  since: MachineMs,
): Promise<void> {
  const { supervisor, history, output } = stage;
  const others = () => supervisor.nodes.filter((node) => node.state === 'running' && node.id !== id);
  await holds(stage, `every node sees ${id} as ${state}`, () =>
    others().every(({ members }) => members.get(id) === state),
  );
  output.event(as, timeOf(history.events.at(-1)) - since);
}

/** Every node believes of every other that it is alive. */
export function allSeeAll(nodes: readonly NodeView[]): boolean {
  return nodes.every(({ id, members }) => nodes.every((other) => other.id === id || members.get(other.id) === 'alive'));
}
