import type { ControlAction, DashboardState, LogEntry } from './dashboard-state.ts';

/** Where the dashboard has from what it shows: the demo's supervisor, a node, or a recording. */
export interface DashboardSource {
  /** As of now. Asked at most four times a second, and only while somebody looks or a second is over. */
  state(): DashboardState;
  /** What happened so far, oldest first; the last 200 are shown to who comes late. */
  entries(): readonly LogEntry[];
  /** Told of what comes, until the function that it returns is called. */
  subscribe(listener: SourceListener): () => void;
}

export interface SourceListener {
  /** Something changed that is worth showing at once. What merely counts is looked at each second without being told. */
  onChange(): void;
  onEntry(entry: LogEntry): void;
}

/** Does what the buttons say. Absent of a dashboard that only shows. */
export interface DashboardControls {
  /** Resolves when it has begun; what becomes of it is seen in the state. Throws `ControlRefused` where it can't be done now. */
  act(action: ControlAction): Promise<void>;
}

/** What can't be done now, in a sentence for who pressed the button: answered with 409. */
export class ControlRefused extends Error {
  override readonly name = 'ControlRefused';
}
