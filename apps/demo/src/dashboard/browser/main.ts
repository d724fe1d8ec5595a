import { html, render } from 'lit-html';
import type { TemplateResult } from 'lit-html';

import type { DashboardState } from '../dashboard-state.ts';
import { control, meta } from './actions.ts';
import { auditView } from './audit-view.ts';
import { Charts } from './charts.ts';
import { clusterView } from './cluster-view.ts';
import { Connection } from './connection.ts';
import { helpView, partitionView } from './dialogs.ts';
import { glanceView } from './glance-view.ts';
import { headerView } from './header-view.ts';
import { logView } from './log-view.ts';
import { messagesView } from './messages-view.ts';
import { nodesView } from './nodes-view.ts';
import { queuesView } from './queues-view.ts';
import { listenToKeys } from './shortcuts.ts';
import { leaderOf, Store } from './store.ts';
import { applyTheme } from './theme.ts';

applyTheme();
const store = new Store();
const charts = new Charts(store);
let isScheduled = false;
/** Of the nodes that the dialog was made for: made anew only then, so that nothing that was chosen there is lost. */
let partitionOf = '';
let announced: string | undefined;

store.onChange(redraw);
listenToKeys(store, redraw);
draw();
new Connection(store, meta('dashboard-run')).open();

/** Once a frame at most. */
function redraw(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    draw();
  });
}

function draw(): void {
  show('#top', headerView(store, redraw));
  show('#help', helpView(store.state, redraw));
  show('#log', logView(store.entries, redraw));
  document.body.classList.toggle('cut-off', store.connection !== 'live');
  if (store.state === undefined) return;
  drawState(store.state);
  charts.update();
  announceLeader(store.state);
}

function drawState(state: DashboardState): void {
  show('#glance', glanceView(store, state));
  show('#cluster', clusterView(state));
  show('#nodes', nodesView(state));
  show('#queues', queuesView(state));
  show('#traffic-head', trafficView(state));
  if (state.traffic !== undefined) show('#audit', auditView(state.traffic.audit));
  if (store.messages !== undefined) show('#messages', messagesView(store.messages));
  hide('#traffic', false);
  hide('#latency', state.traffic === undefined);
  hide('#audit', state.traffic === undefined);
  hide('#messages', store.messages === undefined);
  const nodes = state.nodes.map(({ id }) => id).join(' ');
  if (nodes !== partitionOf) show('#partition', partitionView(state));
  partitionOf = nodes;
}

function trafficView(state: DashboardState): TemplateResult {
  const isRunning = state.traffic?.isRunning === true;
  const press = (): void => void control({ action: 'traffic', on: !isRunning });
  return html`<h2 id="traffic-title">Traffic</h2>
    ${
      state.controls.includes('traffic')
        ? html`<button
            type="button"
            role="switch"
            aria-checked=${isRunning}
            @click=${press}
            title="Traffic on or off (t)"
          >
            Traffic ${isRunning ? 'on' : 'off'}
          </button>`
        : ''
    }`;
}

/** For who listens; the log says it, too, but not in which term. */
function announceLeader(state: DashboardState): void {
  const leader = leaderOf(state);
  const words = leader === undefined ? 'No node leads.' : `${leader.id} leads in term ${leader.term}.`;
  const announcer = document.querySelector('#announcer');
  if (announcer !== null && announced !== undefined && announced !== words) announcer.textContent = words;
  announced = words;
  document.title = leader === undefined ? 'no leader · Quorate' : `${leader.id} leads · Quorate`;
}

function show(selector: string, view: TemplateResult): void {
  const place = document.querySelector<HTMLElement>(selector);
  if (place !== null) render(view, place);
}

function hide(selector: string, isHidden: boolean): void {
  document.querySelector<HTMLElement>(selector)?.toggleAttribute('hidden', isHidden);
}
