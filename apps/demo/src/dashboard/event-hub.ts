import type { ServerResponse } from 'node:http';

import type { DashboardSource } from './dashboard-source.ts';
import type { DashboardState, LogEntry } from './dashboard-state.ts';
import type { Hello, PublishedMessages } from './dashboard-events.ts';
import { Samples } from './samples.ts';

/** What late ones are told of the log, and with what who reads slowly goes on. */
const KEPT_ENTRIES = 200;
const STATE_INTERVAL_MS = 250;
const SECOND_MS = 1000;
const KEEP_ALIVE_MS = 10_000;
/** Who reads nothing for so long is gone, or might as well be. */
const BLOCKED_MS = 30_000;

interface Client {
  readonly response: ServerResponse;
  /** Numbers of what was sent last. */
  entry: number;
  sample: number;
  state: number;
  messages: number;
  /** Since when it has not read what it was sent. */
  blockedSince: number | undefined;
}

export interface EventHubOptions {
  readonly source: DashboardSource;
  /** Undefined where none can be published. */
  readonly messages: () => PublishedMessages | undefined;
  /** What can be done. */
  readonly may: (state: DashboardState) => DashboardState['controls'];
  readonly run: string;
  /** Who comes beyond it is sent away. */
  readonly maxClients: number;
}

/**
 * Tells browsers by server-sent events what there is. Nobody has a queue here: each client has the numbers of what it
 * was sent last, and gets what came since when it has read that; so whoever reads slowly misses states, but nothing grows.
 */
export class EventHub implements Disposable {
  readonly #options: EventHubOptions;
  readonly #clients = new Set<Client>();
  readonly #samples = new Samples();
  readonly #unsubscribe: () => void;
  readonly #timers: readonly NodeJS.Timeout[];
  #entries: readonly LogEntry[];
  #lastSample = 0;
  #state = { number: 0, text: '' };
  #messages = { number: 0, text: 'null' };
  #toldAt = 0;
  #toldLater: NodeJS.Timeout | undefined;

  constructor(options: EventHubOptions) {
    this.#options = options;
    const { source } = options;
    this.#entries = source.entries().slice(-KEPT_ENTRIES);
    this.#unsubscribe = source.subscribe({
      onChange: () => this.#tellSoon(),
      onEntry: (entry) => this.#add(entry),
    });
    this.#timers = [
      setInterval(() => this.#second(), SECOND_MS).unref(),
      setInterval(() => this.#keepAlive(), KEEP_ALIVE_MS).unref(),
    ];
    this.messagesChanged();
    this.#second();
  }

  /** False where too many look already. */
  join(response: ServerResponse): boolean {
    if (this.#clients.size >= this.#options.maxClients) return false;
    const client: Client = {
      response,
      entry: 0,
      sample: this.#lastSample,
      state: -1,
      messages: -1,
      blockedSince: undefined,
    };
    this.#clients.add(client);
    response.on('close', () => this.#clients.delete(client));
    response.on('drain', () => {
      client.blockedSince = undefined;
      this.#bring(client);
    });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    const hello: Hello = { run: this.#options.run, samples: this.#samples.all };
    this.#write(client, `retry: 1000\n${event('hello', JSON.stringify(hello))}`);
    this.#bring(client);
    return true;
  }

  /** The messages of persons changed. */
  messagesChanged(): void {
    this.#messages = { number: this.#messages.number + 1, text: JSON.stringify(this.#options.messages() ?? null) };
    this.#bringAll();
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#toldLater);
    for (const { response } of this.#clients) response.end();
  }

  #add(entry: LogEntry): void {
    this.#entries = [...this.#entries, entry].slice(-KEPT_ENTRIES);
    this.#bringAll();
  }

  #second(): void {
    this.#samples.take(this.#options.source.state(), Date.now());
    this.#lastSample += 1;
    this.#tell();
  }

  /** At once, unless something was told a moment ago. */
  #tellSoon(): void {
    if (this.#toldLater !== undefined) return;
    const wait = this.#toldAt + STATE_INTERVAL_MS - performance.now();
    if (wait <= 0) this.#tell();
    else this.#toldLater = setTimeout(() => this.#tell(), wait).unref();
  }

  #tell(): void {
    clearTimeout(this.#toldLater);
    this.#toldLater = undefined;
    this.#toldAt = performance.now();
    const { source, may } = this.#options;
    const state = source.state();
    const shown: DashboardState = { ...state, controls: may(state) };
    this.#state = { number: this.#state.number + 1, text: JSON.stringify(shown) };
    this.#bringAll();
  }

  #bringAll(): void {
    for (const client of this.#clients) this.#bring(client);
  }

  /** Whatever it hasn't got yet, unless it hasn't read what it got. */
  #bring(client: Client): void {
    if (client.blockedSince !== undefined) return;
    const parts: string[] = [];
    for (const entry of this.#entries)
      if (entry.number > client.entry) parts.push(event('entry', JSON.stringify(entry)));
    const missed = Math.min(this.#lastSample - client.sample, this.#samples.all.length);
    if (missed > 0)
      parts.push(...this.#samples.all.slice(-missed).map((sample) => event('sample', JSON.stringify(sample))));
    if (client.messages !== this.#messages.number) parts.push(event('messages', this.#messages.text));
    if (client.state !== this.#state.number) parts.push(event('state', this.#state.text));
    client.entry = this.#entries.at(-1)?.number ?? client.entry;
    client.sample = this.#lastSample;
    client.messages = this.#messages.number;
    client.state = this.#state.number;
    if (parts.length > 0) this.#write(client, parts.join(''));
  }

  #write(client: Client, text: string): void {
    if (!client.response.write(text)) client.blockedSince ??= performance.now();
  }

  /** Comments, which keep what is in between from closing the connection, and find out that nobody is there. */
  #keepAlive(): void {
    for (const client of this.#clients) {
      if (client.blockedSince === undefined) this.#write(client, ': still here\n\n');
      else if (performance.now() - client.blockedSince > BLOCKED_MS) client.response.destroy();
    }
  }
}

/** JSON has no line ends. */
function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
