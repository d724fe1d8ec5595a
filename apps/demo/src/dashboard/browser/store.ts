import type { PublishedMessages } from '../dashboard-events.ts';
import type { Sample } from '../dashboard-events.ts';
import type { DashboardState, LogEntry } from '../dashboard-state.ts';

/** `stalled`: connected, but nothing came for some seconds, where something comes each second. */
export type Connection = 'connecting' | 'live' | 'stalled' | 'reconnecting';

const KEPT_ENTRIES = 200;
const KEPT_SAMPLES = 120;

/** What the page has been told; views are made of it anew whenever it changes. */
export class Store {
  connection: Connection = 'connecting';
  state: DashboardState | undefined;
  /** Oldest first. */
  entries: readonly LogEntry[] = [];
  samples: readonly Sample[] = [];
  messages: PublishedMessages | undefined;
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** After a reconnection entries come again: those that are known are left out. */
  addEntry(entry: LogEntry): void {
    if (entry.number <= (this.entries.at(-1)?.number ?? 0)) return;
    this.entries = [...this.entries, entry].slice(-KEPT_ENTRIES);
  }

  addSample(sample: Sample): void {
    this.samples = [...this.samples, sample].slice(-KEPT_SAMPLES);
  }
}

/** As most of those that say something see it: who leads in the highest term that anyone knows of. */
export function leaderOf(state: DashboardState): { readonly id: string; readonly term: number } | undefined {
  let found: { readonly id: string; readonly term: number } | undefined;
  for (const { status } of state.nodes) {
    const replication = status?.replication;
    if (replication?.leader === undefined || replication.term < (found?.term ?? 0)) continue;
    found = { id: replication.leader, term: replication.term };
  }
  return found;
}

/** What all that say something have committed at most. */
export function commitIndexOf(state: DashboardState): number {
  return Math.max(0, ...state.nodes.map(({ status }) => status?.replication?.commitIndex ?? 0));
}

/** The index of a node's side of the partition; undefined where there is none. */
export function sideOf(state: DashboardState, id: string): number | undefined {
  if (state.partition.length < 2) return undefined;
  const side = state.partition.findIndex((group) => group.includes(id));
  return side < 0 ? undefined : side;
}

export function sideName(side: number): string {
  return String.fromCodePoint(65 + side);
}
