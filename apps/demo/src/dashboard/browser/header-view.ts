import { html } from 'lit-html';
import type { TemplateResult } from 'lit-html';

import { switchTheme, theme } from './theme.ts';
import type { Theme } from './theme.ts';
import type { Connection, Store } from './store.ts';

const CONNECTION: Readonly<Record<Connection, readonly [sign: string, word: string]>> = {
  connecting: ['◌', 'Connecting'],
  live: ['●', 'Live'],
  stalled: ['○', 'Nothing heard'],
  reconnecting: ['◌', 'Reconnecting'],
};
const THEME: Readonly<Record<Theme, readonly [sign: string, word: string]>> = {
  auto: ['◐', 'as the system'],
  dark: ['☾', 'dark'],
  light: ['☀', 'light'],
};

export function headerView(store: Store, redraw: () => void): TemplateResult {
  const [sign, word] = CONNECTION[store.connection];
  const [themeSign, themeWord] = THEME[theme()];
  const cluster = store.state?.nodes.find(({ status }) => status !== undefined)?.status?.cluster;
  return html`
    <h1><img src="./icon.svg" alt="" width="28" height="28" /> Quorate <small>${cluster}</small></h1>
    <p class="connection ${store.connection}" role="status"><span aria-hidden="true">${sign}</span> ${word}</p>
    <button
      type="button"
      class="quiet"
      @click=${() => {
        switchTheme();
        redraw();
      }}
      aria-label="Colours: ${themeWord}"
      title="Colours: ${themeWord} (d)"
    >
      <span aria-hidden="true">${themeSign}</span>
    </button>
    <button type="button" class="quiet" id="open-help" @click=${openHelp} title="Keyboard shortcuts (?)">
      <kbd aria-hidden="true">?</kbd><span class="wide">Shortcuts</span>
    </button>
  `;
}

export function openHelp(): void {
  document.querySelector<HTMLDialogElement>('#help')?.showModal();
}
