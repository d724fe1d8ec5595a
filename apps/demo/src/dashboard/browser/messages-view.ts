import { html, nothing } from 'lit-html';
import type { TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';

import type { ConsumerDoes } from '../control-requests.ts';
import type { MessageStep, PublishedMessage, PublishedMessages } from '../dashboard-events.ts';
import { consume, publish } from './actions.ts';
import { milliseconds } from './format.ts';

const CONSUMERS: readonly (readonly [does: ConsumerDoes, label: string])[] = [
  ['acknowledge', 'acknowledges'],
  ['reject', 'rejects'],
  ['nothing', 'is away'],
];
const STATES: Readonly<Record<PublishedMessage['state'], readonly [sign: string, word: string, kind: string]>> = {
  sending: ['◌', 'sending', 'warn'],
  accepted: ['○', 'waiting in the queue', 'plain'],
  delivered: ['◍', 'delivered', 'plain'],
  acknowledged: ['✓', 'consumed', 'good'],
  rejected: ['↺', 'rejected, comes again', 'warn'],
  dead: ['✕', 'a dead letter', 'bad'],
  failed: ['?', 'not known to be accepted', 'bad'],
};

export function messagesView({ does, messages }: PublishedMessages): TemplateResult {
  return html`
    <div class="panel-head"><h2 id="messages-title">Your messages</h2></div>
    <form class="publish" @submit=${send}>
      <label class="text"
        >Message <input name="text" required maxlength="1000" autocomplete="off" placeholder="Hello"
      /></label>
      <label
        >Priority
        <select name="priority">
          ${[9, 4, 0].map((priority) => html`<option value=${priority} ?selected=${priority === 4}>${priority}${priority === 9 ? ' first' : priority === 0 ? ' last' : ''}</option>`)}
        </select>
      </label>
      <label
        >Delay
        <select name="delay">
          <option value="0">none</option>
          <option value="3000">3 s</option>
          <option value="10000">10 s</option>
        </select>
      </label>
      <button type="submit" class="primary">Publish</button>
    </form>
    <fieldset class="consumer">
      <legend>The consumer</legend>
      ${CONSUMERS.map(
        ([value, label]) =>
          html`<label>
            <input
              type="radio"
              name="does"
              value=${value}
              .checked=${does === value}
              @change=${() => void consume(value)}
            />${label}
          </label>`,
      )}
    </fieldset>
    <div class="sent" aria-live="polite">
      ${
        messages.length === 0
          ? html`<p class="waiting">
              What you publish goes to the queue “dashboard”. Here you see what becomes of it.
            </p>`
          : html`<ol>
              ${repeat(messages, ({ id }) => id, item)}
            </ol>`
      }
    </div>
  `;
}

function item({ text, state, steps }: PublishedMessage): TemplateResult {
  const [sign, word, kind] = STATES[state];
  return html`<li>
    <p>
      <span class="badge ${kind}"><span aria-hidden="true">${sign}</span> ${word}</span> <q>${text}</q>
    </p>
    ${
      steps.length === 0
        ? nothing
        : html`<ul aria-label="What became of it">
            ${steps.map(step)}
          </ul>`
    }
  </li>`;
}

function step({ what, afterMs }: MessageStep): TemplateResult {
  return html`<li><span class="after">${milliseconds(afterMs)}</span> ${what}</li>`;
}

async function send(event: SubmitEvent): Promise<void> {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const fields = new FormData(form);
  const of = (name: string): string => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  const text = of('text').trim();
  if (text === '') return;
  const isSent = await publish({ text, priority: Number(of('priority')), delayMs: Number(of('delay')) });
  const input = form.elements.namedItem('text');
  if (isSent && input instanceof HTMLInputElement) input.value = '';
}
