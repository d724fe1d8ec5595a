import type { NodeStatus } from '../../broker/node-status.ts';
import type { DashboardState, ShownNode } from '../dashboard-state.ts';
import { sideName, sideOf } from './store.ts';

/** How something stands, in a word, a sign, and a kind for the colour: never by colour alone. */
export interface Standing {
  readonly kind: 'good' | 'warn' | 'bad' | 'off';
  readonly sign: string;
  readonly word: string;
}

const PROCESS: Readonly<Record<ShownNode['process'], Standing>> = {
  starting: { kind: 'warn', sign: '◌', word: 'starting' },
  running: { kind: 'good', sign: '●', word: 'running' },
  paused: { kind: 'warn', sign: '‖', word: 'paused' },
  stopping: { kind: 'warn', sign: '◍', word: 'stopping' },
  stopped: { kind: 'off', sign: '■', word: 'stopped' },
  killed: { kind: 'bad', sign: '✕', word: 'killed' },
};

const MEMBER: Readonly<Record<NodeStatus['members'][number]['state'], Standing>> = {
  alive: { kind: 'good', sign: '✓', word: 'alive' },
  suspect: { kind: 'warn', sign: '?', word: 'suspected' },
  unreachable: { kind: 'bad', sign: '✕', word: 'unreachable' },
  left: { kind: 'off', sign: '–', word: 'left' },
};

export function processStanding(node: ShownNode): Standing {
  if (node.seen !== undefined) return MEMBER[node.seen];
  if (node.process === 'running' && node.status === undefined) return { kind: 'warn', sign: '○', word: 'no answer' };
  return PROCESS[node.process];
}

export const memberStanding = (state: keyof typeof MEMBER): Standing => MEMBER[state];

/**
 * What it does in the replicated log; undefined of who says nothing. `old leader`: it has not heard yet that another
 * leads in a later term.
 */
export function roleOf(node: ShownNode, leader: string | undefined): string | undefined {
  const role = node.status?.replication?.role;
  if (node.id === leader && (role ?? node.seen) !== undefined) return 'leader';
  if (role === undefined) return undefined;
  return role === 'leader' ? 'old leader' : role;
}

/** How many entries it is behind, as the leader has it; by the commit indexes where none says. */
export function lagOf(state: DashboardState, node: ShownNode, leader: string | undefined, commitIndex: number): number {
  if (node.id === leader) return 0;
  const told = state.nodes.find(({ id }) => id === leader)?.status?.replication?.peers;
  const peer = told?.find(({ id }) => id === node.id);
  return peer?.lag ?? Math.max(0, commitIndex - (node.status?.replication?.commitIndex ?? 0));
}

/** Of a partition; undefined where there is none. */
export function sideWords(
  state: DashboardState,
  id: string,
): { readonly name: string; readonly words: string } | undefined {
  const side = sideOf(state, id);
  return side === undefined ? undefined : { name: sideName(side), words: `side ${sideName(side)}` };
}
