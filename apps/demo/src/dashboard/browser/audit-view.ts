import { html } from 'lit-html';
import type { TemplateResult } from 'lit-html';

import type { Audit } from '../dashboard-state.ts';
import { count } from './format.ts';

export function auditView(audit: Audit): TemplateResult {
  const isClean = audit.lost + audit.outOfOrder === 0;
  return html`
    <div class="panel-head"><h2 id="audit-title">Audit</h2></div>
    <p class="verdict ${isClean ? 'good' : 'bad'}">
      <span aria-hidden="true">${isClean ? '✓' : '✕'}</span>
      ${isClean ? 'Nothing that was accepted is lost or out of order.' : 'A promise was broken.'}
    </p>
    <dl class="audit">
      ${line('Accepted', audit.accepted, 'published, and confirmed')}
      ${line('Delivered', audit.delivered, 'at least once')}
      ${line('Duplicates', audit.duplicates, 'delivered again, as promised: at least once')}
      ${line('Lost', audit.lost, 'confirmed, and never delivered', 'bad')}
      ${line('Out of order', audit.outOfOrder, 'of one key, in a fifo queue', 'bad')}
    </dl>
  `;
}

function line(name: string, value: number, note: string, kind = ''): TemplateResult {
  return html`<div class=${value > 0 ? kind : ''}>
    <dt>${name} <small>${note}</small></dt>
    <dd>${count(value)}</dd>
  </div>`;
}
