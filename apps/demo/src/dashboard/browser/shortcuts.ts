import { control } from './actions.ts';
import { heal, openPartition } from './cluster-view.ts';
import { openHelp } from './header-view.ts';
import { press } from './nodes-view.ts';
import type { Store } from './store.ts';
import { switchTheme } from './theme.ts';

const KEY = 'dashboard-shortcuts';

export const areShortcutsOn = (): boolean => localStorage.getItem(KEY) !== 'off';
export const turnShortcuts = (on: boolean): void => localStorage.setItem(KEY, on ? 'on' : 'off');

/** Single keys, but not while somebody writes, nor in a dialog, nor together with others. */
export function listenToKeys(store: Store, redraw: () => void): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !areShortcutsOn() || isWriting(event.target)) return;
    if (act(event.key, store, redraw)) event.preventDefault();
  });
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input:not([type=radio], [type=checkbox]), select, textarea, dialog') !== null
  );
}

function act(key: string, store: Store, redraw: () => void): boolean {
  const may = store.state?.controls ?? [];
  if (/^[1-9]$/.test(key)) return focusCard(Number(key) - 1);
  if (key.startsWith('Arrow')) return step(key);
  if (key === '?') openHelp();
  else if (key === 'd') switchTheme();
  else if (key === 'm') return focus('#messages input');
  else if (key === 'e') return focus('#log .entries');
  else if (key === 'c' && may.includes('partition')) openPartition();
  else if (key === 'h' && may.includes('heal')) heal();
  else if (key === 't' && may.includes('traffic')) {
    void control({ action: 'traffic', on: store.state?.traffic?.isRunning !== true });
  } else {
    const node = focusedCard()?.dataset['node'];
    return node !== undefined && store.state !== undefined && press(store.state, node, key);
  }
  redraw();
  return true;
}

/** From card to card, while one has the focus. */
function step(key: string): boolean {
  const focused = focusedCard();
  const by = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1;
  // Arrows within a group of radio buttons are its own.
  if (focused === undefined || document.activeElement !== focused) return false;
  return focusCard(cards().indexOf(focused) + by);
}

function cards(): readonly HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('.card')];
}

function focusedCard(): HTMLElement | undefined {
  return document.activeElement?.closest<HTMLElement>('.card') ?? undefined;
}

function focusCard(index: number): boolean {
  cards()[index]?.focus();
  return cards()[index] !== undefined;
}

function focus(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector);
  element?.focus();
  return element !== null;
}
