import { setTimeout as sleep } from 'node:timers/promises';

import type { NodeStatus } from '../broker/node-status.ts';
import { followStatus } from '../demo/status-stream.ts';
import { ControlRefused } from './dashboard-source.ts';
import type { DashboardControls, DashboardSource, SourceListener } from './dashboard-source.ts';
import type { ControlAction, DashboardState, LogEntry, ShownNode } from './dashboard-state.ts';

const KEPT_ENTRIES = 200;
const AGAIN_MS = 1000;
const TRANSFER_MS = 12_000;

export interface NodesSourceOptions {
  /** Of the HTTP APIs of the nodes that are asked, or of one. Others of their cluster are shown as these see them. */
  readonly urls: readonly string[];
  /** For nodes that ask who comes. */
  readonly bearerToken?: string | undefined;
}

interface Followed {
  readonly url: string;
  /** As it said when it was last heard: undefined before. */
  id: string | undefined;
  status: NodeStatus | undefined;
}

/**
 * What nodes say of themselves and of each other, wherever they run: for a dashboard that started none of them, and can
 * kill none. It may still hand leadership over.
 */
export class NodesSource implements DashboardSource, DashboardControls, Disposable {
  readonly #options: NodesSourceOptions;
  readonly #followed: readonly Followed[];
  readonly #entries: LogEntry[] = [];
  readonly #listeners = new Set<SourceListener>();
  readonly #stop = new AbortController();
  #leader = '';

  constructor(options: NodesSourceOptions) {
    this.#options = options;
    this.#followed = options.urls.map((url) => ({ url: url.replace(/\/$/, ''), id: undefined, status: undefined }));
    for (const node of this.#followed) void this.#follow(node);
  }

  state(): DashboardState {
    const asked = this.#followed.map(({ id, url, status }): ShownNode => {
      return { id: id ?? new URL(url).host, url, process: 'running', status };
    });
    const nodes = [...asked, ...this.#seen(new Set(asked.map(({ id }) => id)))];
    return {
      nodes: nodes.sort((one, other) => (one.id < other.id ? -1 : 1)),
      partition: [nodes.map(({ id }) => id)],
      queues: this.#furthest()?.queues ?? [],
      traffic: undefined,
      controls: ['transfer'],
    };
  }

  entries(): readonly LogEntry[] {
    return this.#entries;
  }

  subscribe(listener: SourceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async act(action: ControlAction): Promise<void> {
    if (action.action !== 'transfer') throw new ControlRefused('That is for whoever started the node.');
    const url = this.#followed.find(({ status }) => status !== undefined)?.url;
    if (url === undefined) throw new ControlRefused('No node answers.');
    const response = await fetch(`${url}/v1/cluster/transfer`, {
      method: 'POST',
      headers: { ...this.#headers(), 'content-type': 'application/json' },
      body: JSON.stringify({ to: action.node }),
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TRANSFER_MS)]),
    }).catch(() => undefined);
    if (response?.ok === true) return;
    const problem = (await response?.json().catch(() => undefined)) as { readonly detail?: string } | undefined;
    throw new ControlRefused(problem?.detail ?? 'The node that was asked did not answer.');
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #follow(node: Followed): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await followStatus(node.url, (status) => this.#heard(node, status), signal, this.#headers());
      if (node.status !== undefined && !signal.aborted) this.#tell('bad', node.id, 'does not answer any more');
      node.status = undefined;
      this.#changed();
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #heard(node: Followed, status: NodeStatus): void {
    const before = node.status;
    node.id = status.id;
    node.status = status;
    if (before === undefined) this.#tell('good', status.id, 'answers');
    for (const { id, state } of status.members) {
      const was = before?.members.find((member) => member.id === id)?.state;
      if (before === undefined || state === was || id === status.id) continue;
      this.#tell(state === 'alive' ? 'info' : 'warn', status.id, `${id} is ${state}`);
    }
    this.#lookWhoLeads();
    this.#changed();
  }

  #lookWhoLeads(): void {
    const { leader, term } = this.#furthest()?.replication ?? {};
    const words = leader === undefined ? '' : `leads the log in term ${term}`;
    if (`${leader} ${words}` === this.#leader) return;
    this.#leader = `${leader} ${words}`;
    if (leader === undefined) this.#tell('warn', undefined, 'nobody is known to lead the log');
    else this.#tell('good', leader, words);
  }

  /**
   * What others say of nodes that aren't asked: whoever leads, or is furthest. Those that it replicates to, and that are
   * no members, have not been there since it began.
   */
  #seen(asked: ReadonlySet<string>): readonly ShownNode[] {
    const { members = [], replication } = this.#furthest() ?? {};
    const isMember = (id: string): boolean => members.some((member) => member.id === id);
    const absent = (replication?.peers ?? []).filter(({ id }) => !isMember(id));
    return [...members, ...absent.map(({ id }) => ({ id, state: 'unreachable' as const }))]
      .filter(({ id }) => !asked.has(id))
      .map(({ id, state }) => ({ id, url: '', process: 'running', status: undefined, seen: state }));
  }

  #furthest(): NodeStatus | undefined {
    const statuses = this.#followed.flatMap(({ status }) => (status === undefined ? [] : [status]));
    const rank = ({ replication }: NodeStatus): number =>
      (replication?.term ?? 0) * 2 + (replication?.role === 'leader' ? 1 : 0);
    return statuses.sort((one, other) => rank(other) - rank(one))[0];
  }

  #headers(): Readonly<Record<string, string>> {
    const { bearerToken } = this.#options;
    return bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener.onChange();
  }

  #tell(level: LogEntry['level'], node: string | undefined, text: string): void {
    const number = (this.#entries.at(-1)?.number ?? 0) + 1;
    const entry: LogEntry = { number, at: new Date().toISOString(), level, node, text };
    this.#entries.push(entry);
    if (this.#entries.length > KEPT_ENTRIES) this.#entries.shift();
    for (const listener of this.#listeners) listener.onEntry(entry);
  }
}
