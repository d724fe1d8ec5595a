import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { DashboardSource, SourceListener } from '../../src/dashboard/dashboard-source.ts';
import type { DashboardState, LogEntry } from '../../src/dashboard/dashboard-state.ts';

/** A line of a recording: what was there, or what happened, so long after it began. */
export type RecordedLine =
  | { readonly atMs: number; readonly state: DashboardState }
  | { readonly atMs: number; readonly entry: LogEntry };

export const RECORDING: string = path.join(import.meta.dirname, 'recorded-run.jsonl.gz');

/**
 * A real run of the demo, as `record-run.ts` had it from three processes: their leader is killed and started again, then
 * cut off, and healed. Stands still until it is moved on, so that tests see what they mean to see.
 */
export class RecordedRun implements DashboardSource {
  readonly #lines: readonly RecordedLine[] = gunzipSync(readFileSync(RECORDING))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedLine);
  readonly #listeners = new Set<SourceListener>();
  readonly #entries: LogEntry[] = [];
  #next = 0;
  #state: DashboardState | undefined;

  constructor() {
    this.advanceUntil((state) => state.nodes.some(({ status }) => status?.replication?.role === 'leader'));
  }

  state(): DashboardState {
    if (this.#state === undefined) throw new Error('the recording begins with a state');
    return this.#state;
  }

  entries(): readonly LogEntry[] {
    return this.#entries;
  }

  subscribe(listener: SourceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Goes on to the first state of which it is true. Throws where none comes. */
  advanceUntil(isReached: (state: DashboardState) => boolean): DashboardState {
    for (;;) {
      const line = this.#lines[this.#next];
      if (line === undefined) throw new Error('nothing of the kind happened in the recorded run');
      this.#next += 1;
      if ('state' in line) this.#state = line.state;
      else this.add(line.entry);
      if ('state' in line && isReached(line.state)) break;
    }
    for (const listener of this.#listeners) listener.onChange();
    return this.state();
  }

  /** Says something beyond what was recorded. */
  add(entry: LogEntry): void {
    this.#entries.push(entry);
    for (const listener of this.#listeners) listener.onEntry(entry);
  }
}
