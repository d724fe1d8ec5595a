import { html, nothing } from 'lit-html';
import type { TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';

import type { LogEntry } from '../dashboard-state.ts';
import { clock } from './format.ts';

export const LEVELS: Readonly<Record<LogEntry['level'], readonly [sign: string, word: string]>> = {
  info: ['·', ''],
  good: ['✓', 'good:'],
  warn: ['!', 'warning:'],
  bad: ['✕', 'bad:'],
};

/** Newest on top. What is new is read out, since it is a log. */
export function logView(entries: readonly LogEntry[]): TemplateResult {
  return html`
    <div class="panel-head"><h2 id="log-title">Events</h2></div>
    <div class="scrolls entries" tabindex="0" role="log" aria-labelledby="log-title">
      ${entries.length === 0 ? html`<p class="waiting">Nothing happened yet.</p>` : nothing}
      ${repeat([...entries].reverse(), ({ number }) => number, line)}
    </div>
  `;
}

function line({ at, level, node, text }: LogEntry): TemplateResult {
  const [sign, word] = LEVELS[level];
  return html`<p class=${level}>
    <time datetime=${at}>${clock(at)}</time>
    <span class="sign" aria-hidden="true">${sign}</span><span class="unseen">${word}</span>
    <span>${node === undefined ? nothing : html`<b>${node}</b> `}${text}</span>
  </p>`;
}
