import { html } from 'lit-html';
import type { TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';

import type { QueueStatus } from '../../broker/queries.ts';
import type { DashboardState } from '../dashboard-state.ts';
import { count } from './format.ts';

export function queuesView(state: DashboardState): TemplateResult {
  const deepest = Math.max(1, ...state.queues.map(depth));
  return html`
    <div class="panel-head"><h2 id="queues-title">Queues</h2></div>
    ${
      state.queues.length === 0
        ? html`<p class="waiting">No queue yet.</p>`
        : html`<div class="scrolls" tabindex="0" role="region" aria-labelledby="queues-title">
            <table>
              <thead>
                <tr>
                  <th scope="col">Queue</th>
                  <th scope="col" class="depth">Depth</th>
                  <th scope="col">Ready</th>
                  <th scope="col">Delayed</th>
                  <th scope="col">In flight</th>
                  <th scope="col">Accepted</th>
                  <th scope="col">Acknowledged</th>
                  <th scope="col">Redelivered</th>
                  <th scope="col">Dead letters</th>
                </tr>
              </thead>
              <tbody>
                ${repeat(
                  state.queues,
                  ({ name }) => name,
                  (queue) => row(queue, deepest),
                )}
              </tbody>
            </table>
          </div>`
    }
  `;
}

function row(queue: QueueStatus, deepest: number): TemplateResult {
  const { name, options, ready, delayed, inFlight } = queue;
  return html`<tr>
    <th scope="row">${name} ${options.fifo ? html`<span class="badge">fifo</span>` : ''}</th>
    <td class="depth">${bar(queue, deepest)}</td>
    <td>${count(ready)}</td>
    <td>${count(delayed)}</td>
    <td>${count(inFlight)}</td>
    <td>${count(queue.accepted)}</td>
    <td>${count(queue.acknowledged)}</td>
    <td>${count(queue.redeliveries)}</td>
    <td class=${queue.dropped > 0 ? 'warn' : ''}>
      ${count(queue.deadLettered)}${queue.dropped > 0 ? ` (${count(queue.dropped)} dropped)` : ''}
    </td>
  </tr>`;
}

/** Beside its figures, which say the same. */
function bar(queue: QueueStatus, deepest: number): TemplateResult {
  const scale = 100 / deepest;
  const [ready, inFlight, delayed] = [queue.ready * scale, queue.inFlight * scale, queue.delayed * scale];
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="ready" width=${ready} height="8" />
    <rect class="in-flight" x=${ready} width=${inFlight} height="8" />
    <rect class="delayed" x=${ready + inFlight} width=${delayed} height="8" />
  </svg>`;
}

function depth({ ready, delayed, inFlight }: QueueStatus): number {
  return ready + delayed + inFlight;
}
