import type { Hello } from '../dashboard-events.ts';
import type { PublishedMessages } from '../dashboard-events.ts';
import type { Sample } from '../dashboard-events.ts';
import type { DashboardState, LogEntry } from '../dashboard-state.ts';
import type { Store } from './store.ts';

const STALLED_MS = 4000;
const AGAIN_MS = 1000;

/** Feeds what the server tells into the store, for as long as the page is open; the browser connects again by itself. */
export class Connection {
  readonly #store: Store;
  readonly #run: string;
  #events: EventSource | undefined;
  #heardAt = 0;

  constructor(store: Store, run: string) {
    this.#store = store;
    this.#run = run;
  }

  open(): void {
    this.#connect();
    setInterval(() => this.#look(), AGAIN_MS);
  }

  #connect(): void {
    const events = new EventSource('./events');
    this.#events = events;
    events.addEventListener('error', () => this.#become('reconnecting'));
    this.#on<Hello>('hello', ({ run, samples }) => {
      // A server that was started anew takes nothing from a page that it did not make.
      if (run !== this.#run) location.reload();
      this.#store.samples = samples;
    });
    this.#on<DashboardState>('state', (state) => (this.#store.state = state));
    this.#on<LogEntry>('entry', (entry) => this.#store.addEntry(entry));
    this.#on<Sample>('sample', (sample) => this.#store.addSample(sample));
    this.#on<PublishedMessages | null>('messages', (messages) => (this.#store.messages = messages ?? undefined));
  }

  #on<T>(name: string, take: (data: T) => unknown): void {
    this.#events?.addEventListener(name, (event: MessageEvent<string>) => {
      this.#heardAt = performance.now();
      take(JSON.parse(event.data) as T);
      this.#store.connection = 'live';
      this.#store.changed();
    });
  }

  #become(connection: Store['connection']): void {
    if (this.#store.connection === connection) return;
    this.#store.connection = connection;
    this.#store.changed();
  }

  /** A browser gives up where it is refused, and does not notice where nothing comes any more. */
  #look(): void {
    if (this.#events?.readyState === EventSource.CLOSED) this.#connect();
    else if (this.#store.connection === 'live' && performance.now() - this.#heardAt > STALLED_MS)
      this.#become('stalled');
  }
}
