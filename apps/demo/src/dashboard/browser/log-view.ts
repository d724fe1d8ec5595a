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

/** So many of those that matter are kept for who listens. */
const TOLD = 5;
let isShort = false;

/**
 * Newest on top. Read out is what matters alone, since much else happens each second, and `isShort` leaves that out for
 * who looks, too.
 */
export function logView(entries: readonly LogEntry[], redraw: () => void): TemplateResult {
  const matter = entries.filter(({ level }) => level !== 'info');
  const shown = (isShort ? matter : entries).toReversed();
  const shorten = (): void => {
    isShort = !isShort;
    redraw();
  };
  return html`
    <div class="panel-head">
      <h2 id="log-title">Events</h2>
      <button type="button" aria-pressed=${isShort} @click=${shorten}>Only what matters</button>
    </div>
    <div class="scrolls entries" tabindex="0" role="region" aria-labelledby="log-title">
      ${shown.length === 0 ? html`<p class="waiting">Nothing happened yet.</p>` : nothing}
      ${repeat(shown, ({ number }) => number, line)}
    </div>
    <div class="unseen" role="log" aria-label="Events that matter">
      ${repeat(
        matter.slice(-TOLD),
        ({ number }) => number,
        ({ level, node, text }) => html`<p>${LEVELS[level][1]} ${node} ${text}</p>`,
      )}
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
