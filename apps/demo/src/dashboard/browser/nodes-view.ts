import { html, nothing } from 'lit-html';
import type { TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';

import type { DashboardState, NodeAction, ShownNode } from '../dashboard-state.ts';
import { control } from './actions.ts';
import { count, percent } from './format.ts';
import { lagOf, memberStanding, processStanding, roleOf, sideWords } from './node-words.ts';
import { commitIndexOf, leaderOf } from './store.ts';

interface Button {
  readonly action: NodeAction;
  readonly label: string;
  readonly key: string;
  /** Whether it makes sense of a node that stands so. */
  readonly fits: (node: ShownNode, isLeader: boolean, isAlone: boolean) => boolean;
}

const isUp = ({ process }: ShownNode): boolean => process === 'running';
const isDown = ({ process }: ShownNode): boolean => process === 'stopped' || process === 'killed';

/** The order and the keys hold for all nodes. */
export const NODE_BUTTONS: readonly Button[] = [
  { action: 'kill', label: 'Kill', key: 'k', fits: (node) => !isDown(node) },
  { action: 'pause', label: 'Pause', key: 'p', fits: isUp },
  { action: 'resume', label: 'Resume', key: 'p', fits: ({ process }) => process === 'paused' },
  { action: 'stop', label: 'Stop', key: 's', fits: isUp },
  { action: 'start', label: 'Start', key: 's', fits: isDown },
  { action: 'restart', label: 'Restart', key: 'r', fits: isUp },
  { action: 'isolate', label: 'Isolate', key: 'i', fits: (node, _, isAlone) => isUp(node) && !isAlone },
  { action: 'transfer', label: 'Make leader', key: 'l', fits: (node, isLeader) => isUp(node) && !isLeader },
];

/** Of more, those that are alive are not named. */
const NAMED_MEMBERS = 6;

/** Shown even where they don't fit, so that nothing jumps; the others take the place of their opposite. */
const ALWAYS: ReadonlySet<NodeAction> = new Set(['kill', 'restart', 'isolate', 'transfer']);

export function nodesView(state: DashboardState): TemplateResult {
  return html`
    <div class="panel-head"><h2 id="nodes-title">Nodes</h2></div>
    <ul class="cards ${state.nodes.length > NAMED_MEMBERS ? 'many' : ''}">
      ${repeat(
        state.nodes,
        ({ id }) => id,
        (node, index) => html`<li>${card(state, node, index)}</li>`,
      )}
    </ul>
  `;
}

/** Whether something was done. */
export function press(state: DashboardState, id: string, key: string): boolean {
  const node = state.nodes.find((one) => one.id === id);
  const found = NODE_BUTTONS.find(
    (button) => node !== undefined && button.key === key && isUsable(state, node, button),
  );
  if (found !== undefined) void control({ action: found.action, node: id });
  return found !== undefined;
}

function isUsable(state: DashboardState, node: ShownNode, { action, fits }: Button): boolean {
  const isAlone = state.partition.some((group) => group.length === 1 && group[0] === node.id);
  return state.controls.includes(action) && fits(node, leaderOf(state)?.id === node.id, isAlone);
}

function card(state: DashboardState, node: ShownNode, index: number): TemplateResult {
  const leader = leaderOf(state)?.id;
  const { kind, sign, word } = processStanding(node);
  const role = roleOf(node, leader);
  const side = sideWords(state, node.id);
  return html`<article
    class="card ${kind} ${role === 'leader' ? 'leads' : ''}"
    data-node=${node.id}
    tabindex="-1"
    aria-labelledby="node-${index}"
  >
    <header>
      <h3 id="node-${index}">${index < 9 ? html`<kbd aria-hidden="true">${index + 1}</kbd>` : nothing}${node.id}</h3>
      ${side === undefined ? nothing : html`<span class="badge side" title=${side.words}><span aria-hidden="true">✂ ${side.name}</span><span class="unseen">${side.words}</span></span>`}
      ${role === undefined ? nothing : html`<span class="badge role">${role === 'leader' ? '♛ ' : ''}${role}</span>`}
      <span class="badge process ${kind}"><span aria-hidden="true">${sign}</span> ${word}</span>
    </header>
    ${figures(state, node, leader)} ${members(node)} ${buttons(state, node)}
  </article>`;
}

function figures(state: DashboardState, node: ShownNode, leader: string | undefined): TemplateResult {
  const replication = node.status?.replication;
  const commitIndex = commitIndexOf(state);
  const lag = lagOf(state, node, leader, commitIndex);
  const of = (value: number | undefined): string => (value === undefined ? '–' : count(value));
  return html`<dl class="figures">
    <div>
      <dt>Term</dt>
      <dd>${of(replication?.term)}</dd>
    </div>
    <div>
      <dt>Commit</dt>
      <dd>${of(replication?.commitIndex)}</dd>
    </div>
    <div>
      <dt>Applied</dt>
      <dd>${of(replication?.appliedIndex)}</dd>
    </div>
    <div class=${lag > 0 ? 'behind' : ''}>
      <dt>Behind</dt>
      <dd>${count(lag)}</dd>
    </div>
    ${
      node.cpu === undefined
        ? nothing
        : html`<div>
            <dt>CPU</dt>
            <dd>${percent(node.cpu)}</dd>
          </div>`
    }
    ${
      node.memoryMib === undefined
        ? nothing
        : html`<div>
            <dt>Memory</dt>
            <dd>${count(node.memoryMib)} MiB</dd>
          </div>`
    }
  </dl>`;
}

/** Membership as this node sees it: where there are many, those that are alive are counted. */
function members(node: ShownNode): TemplateResult {
  const others = (node.status?.members ?? []).filter(({ id }) => id !== node.id);
  const alive = others.filter(({ state }) => state === 'alive').length;
  const isCounted = others.length > NAMED_MEMBERS && alive > 1;
  const named = isCounted ? others.filter(({ state }) => state !== 'alive') : others;
  return html`<div class="sees">
    <span>Sees</span>
    ${others.length === 0 ? html`<em>${silence(node)}</em>` : nothing}
    ${isCounted ? html`<span class="good"><span aria-hidden="true">✓</span> ${alive} alive</span>` : nothing}
    <ul>
      ${repeat(
        named,
        ({ id }) => id,
        ({ id, state }) => {
          const { kind, sign, word } = memberStanding(state);
          return html`<li class=${kind} title="${id}: ${word}">
            <span aria-hidden="true">${sign}</span> <span class="id">${id}</span><span class="unseen"> ${word}</span>
          </li>`;
        },
      )}
    </ul>
  </div>`;
}

function silence({ status, seen }: ShownNode): string {
  if (seen !== undefined) return 'is not asked itself';
  return status === undefined ? 'says nothing' : 'nobody else';
}

function buttons(state: DashboardState, node: ShownNode): TemplateResult | typeof nothing {
  const shown = NODE_BUTTONS.filter(
    (button) => state.controls.includes(button.action) && (ALWAYS.has(button.action) || isPlaced(node, button)),
  );
  if (shown.length === 0) return nothing;
  return html`<div class="buttons" role="group" aria-label="Control ${node.id}">
    ${repeat(
      shown,
      ({ action }) => action,
      (button) =>
        html`<button
          type="button"
          class=${button.action === 'kill' ? 'danger' : ''}
          data-action=${button.action}
          aria-label="${button.label} ${node.id}"
          title="${button.label} (${button.key})"
          aria-disabled=${isUsable(state, node, button) ? 'false' : 'true'}
          @click=${() => press(state, node.id, button.key)}
        >
          ${button.label}
        </button>`,
    )}
  </div>`;
}

/** Of two opposites the one that fits has the place. */
function isPlaced(node: ShownNode, { action }: Button): boolean {
  if (action === 'resume') return node.process === 'paused';
  if (action === 'pause') return node.process !== 'paused';
  if (action === 'start') return isDown(node);
  return !isDown(node);
}
