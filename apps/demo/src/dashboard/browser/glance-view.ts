import { html } from 'lit-html';
import type { TemplateResult } from 'lit-html';

import type { DashboardState } from '../dashboard-state.ts';
import { count, milliseconds, plural } from './format.ts';
import { processStanding } from './node-words.ts';
import type { Store } from './store.ts';
import { leaderOf } from './store.ts';

type Kind = 'good' | 'warn' | 'bad' | 'plain';

/** Five figures that say whether all is well. */
export function glanceView(store: Store, state: DashboardState): TemplateResult {
  const leader = leaderOf(state);
  const answering = state.nodes.filter((node) => processStanding(node).kind === 'good').length;
  const last = store.samples.at(-1);
  return html`<dl>
    ${
      leader === undefined
        ? tile('Leader', 'none', 'no node knows of one', 'bad')
        : tile('Leader', leader.id, `in term ${leader.term}`, 'plain')
    }
    ${tile('Nodes', `${answering} of ${state.nodes.length}`, wholeness(state, answering), nodesKind(state, answering))}
    ${tile('Published', `${count(last?.published ?? 0)}/s`, `${count(last?.acknowledged ?? 0)}/s consumed`, 'plain')}
    ${
      state.traffic === undefined
        ? tile('Failed', count(last?.failed ?? 0), 'requests in the last second', last?.failed ? 'warn' : 'plain')
        : tile(
            'Latency',
            milliseconds(state.traffic.p99Ms),
            `p99; half within ${milliseconds(state.traffic.p50Ms)}`,
            'plain',
          )
    }
    ${auditTile(state)}
  </dl>`;
}

function tile(name: string, value: string, note: string, kind: Kind): TemplateResult {
  return html`<div class="tile ${kind}">
    <dt>${name}</dt>
    <dd><strong>${value}</strong> <span>${note}</span></dd>
  </div>`;
}

function wholeness(state: DashboardState, answering: number): string {
  if (state.partition.length > 1) return `in ${state.partition.length} parts`;
  // Who is asked as a stranger doesn't say who votes.
  if (!isWhole(state)) return 'that are known of';
  const needed = Math.floor(state.nodes.length / 2) + 1;
  return answering < needed ? `no quorum: ${needed} are needed` : `quorum is ${needed}`;
}

/** Whoever started the nodes knows all of them, and who votes. */
function isWhole(state: DashboardState): boolean {
  return state.controls.includes('kill') || state.traffic !== undefined;
}

function nodesKind(state: DashboardState, answering: number): Kind {
  if (!isWhole(state)) return answering < state.nodes.length ? 'warn' : 'plain';
  if (answering <= state.nodes.length / 2) return 'bad';
  return answering < state.nodes.length || state.partition.length > 1 ? 'warn' : 'good';
}

function auditTile(state: DashboardState): TemplateResult {
  if (state.traffic === undefined) {
    const waiting = state.queues.reduce((sum, { ready, delayed, inFlight }) => sum + ready + delayed + inFlight, 0);
    return tile('Waiting', count(waiting), `in ${plural(state.queues.length, 'queue')}`, 'plain');
  }
  const { lost, outOfOrder, accepted } = state.traffic.audit;
  if (lost + outOfOrder === 0) return tile('Audit', '✓ none lost', `of ${plural(accepted, 'message')}`, 'good');
  return tile('Audit', `✕ ${count(lost)} lost`, `${count(outOfOrder)} out of order`, 'bad');
}
