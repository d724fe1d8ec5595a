import { html, nothing, svg } from 'lit-html';
import type { SVGTemplateResult, TemplateResult } from 'lit-html';

import type { DashboardState, ShownNode } from '../dashboard-state.ts';
import { control } from './actions.ts';
import { count } from './format.ts';
import { lagOf, processStanding, roleOf } from './node-words.ts';
import { commitIndexOf, leaderOf, sideName, sideOf } from './store.ts';

const WIDTH = 480;
const HEIGHT = 380;
/** Of many. */
const TALL = 540;
/** What labels and the crown take. */
const MARGIN = 72;
const ABOVE = 30;
const BELOW = 52;
/** Beyond so many, all but the leader's lines and the plainest labels would hide what matters. */
const MANY_NODES = 7;
/** A follower's ring is empty when it is so many entries behind. */
const LAG_SHOWN = 500;

interface Placed {
  readonly node: ShownNode;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly side: number | undefined;
  readonly role: string | undefined;
  readonly isLeader: boolean;
  readonly lag: number;
}

export function clusterView(state: DashboardState): TemplateResult {
  const may = (action: DashboardState['controls'][number]): boolean => state.controls.includes(action);
  const isCut = state.partition.length > 1;
  return html`
    <div class="panel-head">
      <h2 id="cluster-title">Cluster</h2>
      ${may('partition') ? html`<button type="button" @click=${openPartition}>Partition…</button>` : nothing}
      ${
        may('heal')
          ? html`<button type="button" class=${isCut ? 'primary' : ''} ?disabled=${!isCut} @click=${heal}>Heal</button>`
          : nothing
      }
    </div>
    <svg class="diagram" viewBox="0 0 ${WIDTH} ${heightOf(state)}" role="img" aria-label=${describe(state)}>
      ${draw(state)}
    </svg>
    ${legend(state)}
  `;
}

export function openPartition(): void {
  document.querySelector<HTMLDialogElement>('#partition')?.showModal();
}

export function heal(): void {
  void control({ action: 'heal' });
}

function describe(state: DashboardState): string {
  const leader = leaderOf(state);
  const nodes = state.nodes
    .map((node) => `${node.id} ${roleOf(node, leader?.id) ?? ''} ${processStanding(node).word}`)
    .join(', ');
  const parts = state.partition.map((group, side) => `side ${sideName(side)}: ${group.join(', ')}`).join('; ');
  const lead = leader === undefined ? 'No leader. ' : `${leader.id} leads in term ${leader.term}. `;
  return `${lead}${nodes}.${state.partition.length > 1 ? ` Partitioned: ${parts}.` : ''}`;
}

function legend(state: DashboardState): TemplateResult {
  return html`<p class="legend" aria-hidden="true">
    <span
      ><svg viewBox="0 0 28 10"><path class="link replicates" d="M1 5H27" /></svg> replicates</span
    >
    <span
      ><svg viewBox="0 0 28 10"><circle class="ring" cx="14" cy="5" r="4" /></svg> ring: how far caught up</span
    >
    ${
      state.partition.length > 1
        ? html`<span
            ><svg viewBox="0 0 28 10"><path class="link cut" d="M1 5H27" /></svg> cut</span
          >`
        : nothing
    }
  </p>`;
}

function draw(state: DashboardState): SVGTemplateResult {
  const placed = place(state);
  return svg`${links(placed)}${placed.map((one) => drawNode(one, placed.length > MANY_NODES))}`;
}

function heightOf({ nodes }: DashboardState): number {
  return nodes.length > MANY_NODES ? TALL : HEIGHT;
}

/** On an ellipse, the first on top; the sides of a partition are drawn apart. */
function place(state: DashboardState): readonly Placed[] {
  const leader = leaderOf(state)?.id;
  const commitIndex = commitIndexOf(state);
  const total = state.nodes.length;
  const height = heightOf(state);
  const radius = Math.max(19, Math.min(44, 200 / Math.max(total, 3)));
  const bySide = [...state.nodes].sort((one, other) => (sideOf(state, one.id) ?? 0) - (sideOf(state, other.id) ?? 0));
  const points = ring(bySide.map(({ id }) => sideOf(state, id) ?? 0));
  return bySide.map((node, index) => {
    const { x = 0, y = 0 } = points[index] ?? {};
    return {
      node,
      x: total === 1 ? WIDTH / 2 : MARGIN + x * (WIDTH - 2 * MARGIN),
      y: total === 1 ? height / 2 : ABOVE + radius + y * (height - ABOVE - BELOW - 2 * radius),
      radius,
      side: sideOf(state, node.id),
      role: roleOf(node, leader),
      isLeader: roleOf(node, leader) === 'leader',
      lag: lagOf(state, node, leader, commitIndex),
    };
  });
}

/** Points of a circle, stretched to fill 0 to 1 in both directions; where the side changes a place is left free. */
function ring(sides: readonly number[]): readonly { readonly x: number; readonly y: number }[] {
  const parts = new Set(sides).size;
  const places = sides.length + (parts > 1 ? parts : 0);
  let free = 0;
  const points = sides.map((side, index) => {
    if (index > 0 && side !== sides[index - 1]) free += 1;
    const angle = ((index + free) / places) * 2 * Math.PI - Math.PI / 2;
    return { x: Math.cos(angle), y: Math.sin(angle) };
  });
  const stretched = (values: readonly number[]): readonly number[] => {
    const [from, to] = [Math.min(...values), Math.max(...values)];
    return values.map((value) => (to - from < 0.01 ? 0.5 : (value - from) / (to - from)));
  };
  const [xs, ys] = [stretched(points.map(({ x }) => x)), stretched(points.map(({ y }) => y))];
  return points.map((_, index) => ({ x: xs[index] ?? 0, y: ys[index] ?? 0 }));
}

function links(placed: readonly Placed[]): readonly (SVGTemplateResult | typeof nothing)[] {
  return placed.flatMap((one, index) => placed.slice(index + 1).map((other) => link(one, other, placed.length)));
}

function link(one: Placed, other: Placed, total: number): SVGTemplateResult | typeof nothing {
  const isUp = [one, other].every(({ node }) => processStanding(node).kind === 'good');
  const isLeading = one.isLeader || other.isLeader;
  if (!isLeading && total > MANY_NODES) return nothing;
  const path = `M${one.x} ${one.y}L${other.x} ${other.y}`;
  if (one.side !== other.side) {
    const [x, y] = [(one.x + other.x) / 2, (one.y + other.y) / 2];
    if (total > MANY_NODES) return svg`<path class="link cut" d=${path} />`;
    return svg`<path class="link cut" d=${path} /><text class="scissors" x=${x} y=${y} dy=".35em">✂</text>`;
  }
  if (!isUp) return svg`<path class="link gone" d=${path} />`;
  // Dashes travel from the leader.
  if (isLeading) return svg`<path class="link replicates ${other.isLeader ? 'back' : ''}" d=${path} />`;
  return svg`<path class="link" d=${path} />`;
}

function drawNode(
  { node, x, y, radius, side, role = '', isLeader, lag }: Placed,
  isOneOfMany: boolean,
): SVGTemplateResult {
  const { kind, word } = processStanding(node);
  const around = 2 * Math.PI * (radius + 5);
  const caughtUp = Math.max(0, 1 - lag / LAG_SHOWN);
  const isWell = kind === 'good';
  const mark = markOf(node, role, isOneOfMany);
  const letter = side === undefined ? nothing : svg`<tspan class="side"> ${sideName(side)}</tspan>`;
  return svg`<g class="node ${kind} ${isLeader ? 'leads' : ''}" transform="translate(${x} ${y})">
    <circle class="disc" r=${radius} />
    ${isWell && !isLeader && caughtUp > 0 ? svg`<circle class="ring" r=${radius + 5} stroke-dasharray="${around * caughtUp} ${around}" transform="rotate(-90)" />` : nothing}
    ${isLeader ? svg`<path class="crown" transform="translate(0 ${-radius - 9}) scale(${Math.max(0.6, radius / 44)})" d="M-19 6V-9L-9-1 0-13 9-1 19-9V6Z" />` : nothing}
    ${mark}
    ${
      isOneOfMany
        ? svg`<text class="note" y=${radius + 8} dy=".95em">${letter}</text>`
        : svg`<text class="name" y=${radius + 8} dy=".95em">${node.id}${letter}</text>
          <text class="note" y=${radius + 9} dy="2.3em">${isWell ? lagWords(lag, role) : word}</text>`
    }
  </g>`;
}

/** What stands in the disc: of many, where nothing fits below, the name. */
function markOf(node: ShownNode, role: string, isOneOfMany: boolean): SVGTemplateResult {
  const { kind, sign } = processStanding(node);
  const isWell = kind === 'good';
  if (!isOneOfMany)
    return svg`<text class=${isWell ? 'role' : 'sign'} dy=".36em">${isWell ? short(role) : sign}</text>`;
  return svg`<text class="inside" dy=${isWell ? '.36em' : '.9em'}>${node.id}</text>
    ${isWell ? nothing : svg`<text class="inside" dy="-.15em">${sign}</text>`}`;
}

function lagWords(lag: number, role: string): string {
  if (role === 'leader') return 'leads';
  if (role === 'old leader') return role;
  return lag === 0 ? 'up to date' : `${count(lag)} behind`;
}

function short(role: string): string {
  return role === '' ? '✓' : (role[0] ?? '').toUpperCase();
}
