import { html } from 'lit-html';
import type { TemplateResult } from 'lit-html';

import type { DashboardState } from '../dashboard-state.ts';
import { control, toast } from './actions.ts';
import { NODE_BUTTONS } from './nodes-view.ts';
import { areShortcutsOn, turnShortcuts } from './shortcuts.ts';
import { sideName } from './store.ts';

const SIDES = [0, 1, 2];

export function partitionView(state: DashboardState): TemplateResult {
  return html`<form method="dialog" @submit=${(event: SubmitEvent) => apply(event, state)}>
    <h2 id="partition-title">Partition the cluster</h2>
    <p>Nodes reach those of their side alone, in both directions, over connections that stand, too.</p>
    <div class="sides">
      ${state.nodes.map(
        ({ id }, index) =>
          html`<fieldset>
            <legend>${id}</legend>
            ${SIDES.map(
              (side) =>
                html`<label>
                  <input
                    type="radio"
                    name=${`side ${id}`}
                    value=${side}
                    ?checked=${side === (index === 0 ? 0 : 1)}
                  />${sideName(side)}
                </label>`,
            )}
          </fieldset>`,
      )}
    </div>
    <div class="buttons">
      <button type="submit" class="primary" value="apply">Cut</button>
      <button type="submit" value="cancel" formnovalidate>Cancel</button>
    </div>
  </form>`;
}

function apply(event: SubmitEvent, state: DashboardState): void {
  if ((event.submitter as HTMLButtonElement | null)?.value !== 'apply') return;
  const fields = new FormData(event.target as HTMLFormElement);
  const sideOf = (id: string): number => Number(fields.get(`side ${id}`) ?? 0);
  const groups = SIDES.map((side) => state.nodes.map(({ id }) => id).filter((id) => sideOf(id) === side));
  const filled = groups.filter((group) => group.length > 0);
  if (filled.length < 2) toast('All nodes are on one side: nothing is cut.');
  else void control({ action: 'partition', groups: filled });
}

export function helpView(state: DashboardState | undefined, redraw: () => void): TemplateResult {
  const ofNodes = NODE_BUTTONS.filter(({ action }) => state?.controls.includes(action));
  const keys = new Map<string, string>();
  for (const { key, label } of ofNodes)
    keys.set(key, keys.has(key) ? `${keys.get(key)} or ${label.toLowerCase()}` : label);
  return html`<form method="dialog">
    <h2 id="help-title">Keyboard shortcuts</h2>
    <dl class="keys">
      <div>
        <dt><kbd>1</kbd>–<kbd>9</kbd></dt>
        <dd>Go to a node; arrow keys go on to the next</dd>
      </div>
      ${[...keys].map(
        ([key, label]) =>
          html`<div>
            <dt><kbd>${key}</kbd></dt>
            <dd>${label}: of the node in focus</dd>
          </div>`,
      )}
      ${
        state?.controls.includes('partition')
          ? html`<div>
              <dt><kbd>c</kbd></dt>
              <dd>Partition (cut)</dd>
            </div>`
          : ''
      }
      ${
        state?.controls.includes('heal')
          ? html`<div>
              <dt><kbd>h</kbd></dt>
              <dd>Heal</dd>
            </div>`
          : ''
      }
      ${
        state?.controls.includes('traffic')
          ? html`<div>
              <dt><kbd>t</kbd></dt>
              <dd>Traffic on or off</dd>
            </div>`
          : ''
      }
      <div>
        <dt><kbd>m</kbd></dt>
        <dd>Write a message</dd>
      </div>
      <div>
        <dt><kbd>e</kbd></dt>
        <dd>Go to the events</dd>
      </div>
      <div>
        <dt><kbd>d</kbd></dt>
        <dd>Dark, light, or as the system has it</dd>
      </div>
      <div>
        <dt><kbd>?</kbd></dt>
        <dd>This list</dd>
      </div>
    </dl>
    <label class="switch">
      <input
        type="checkbox"
        .checked=${areShortcutsOn()}
        @change=${(event: Event) => {
          turnShortcuts((event.target as HTMLInputElement).checked);
          redraw();
        }}
      />Shortcuts are on
    </label>
    <div class="buttons"><button type="submit" class="primary">Close</button></div>
  </form>`;
}
