import type { ControlAction } from '../dashboard-state.ts';
import type { ConsumerDoes, MessageRequest } from '../control-requests.ts';

const SHOWN_MS = 6000;

/** What went wrong is shown for a while, and read out. */
export function toast(text: string): void {
  const note = document.createElement('p');
  note.textContent = text;
  document.querySelector('#toasts')?.append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}

export const control = (action: ControlAction): Promise<boolean> => post('./control', action);
export const publish = (message: MessageRequest): Promise<boolean> => post('./messages', message);
export const consume = (does: ConsumerDoes): Promise<boolean> => post('./consumer', { does });

export function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

/** Whether it was done; where not, a note has said why. */
async function post(path: string, body: object): Promise<boolean> {
  const headers = { 'content-type': 'application/json', 'x-dashboard-token': meta('dashboard-token') };
  try {
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (response.ok) return true;
    const problem = (await response.json()) as { readonly detail?: string };
    toast(problem.detail ?? `The server answered ${response.status}.`);
  } catch {
    toast('The server does not answer.');
  }
  return false;
}
