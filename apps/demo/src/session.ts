import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { History } from './history.ts';
import { FencingLedger, type Ledger } from './ledger.ts';
import { LedgerCopies } from './ledger-copies.ts';
import { type LedgerServer, serveLedger } from './ledger-server.ts';
import type { DemoOptions } from './options.ts';
import { discoveries, type DiscoveryChoice } from './discoveries.ts';
import { type ElectionChoice, elections, isReplicated } from './elections.ts';
import { RunningNodes } from './running-nodes.ts';
import { Supervisor } from './supervisor.ts';

/** All that one run of the demo has: the processes, the ledger they write to, and what happened. */
export interface Session extends AsyncDisposable {
  readonly options: DemoOptions;
  readonly supervisor: Supervisor;
  readonly history: History;
  readonly discovery: DiscoveryChoice;
  readonly election: ElectionChoice;
  /** Of a replicated ledger; none otherwise. */
  readonly copies: LedgerCopies;
}

/**
 * @param ledger what the leaders write to, where it is outside the cluster; another than the default shows what the demo
 * would notice
 */
export async function openSession(options: DemoOptions, ledger: Ledger = new FencingLedger()): Promise<Session> {
  const history = new History();
  const copies = new LedgerCopies(history);
  const owned = new AsyncDisposableStack();
  try {
    const server = isReplicated(options.election) ? undefined : owned.use(await serve(ledger, history));
    const discovery = await discoveries[options.discovery].load();
    const registry = options.registry === undefined ? owned.use(await discovery.asked?.start()) : undefined;
    const place = options.registry ?? registry?.place;
    const election = await elections[options.election].load();
    const elector = options.elector ?? (await openElector(election, options, place, owned));
    const data = options.data ?? (await mkdtemp(join(tmpdir(), 'quorate-demo-')));
    await mkdir(data, { recursive: true });
    const plan = { ...options, registry: place, elector, data, ledgerUrl: server?.url };
    const supervisor = await Supervisor.create(plan, history, copies);
    if (registry?.publish !== undefined) {
      const { publish } = registry;
      owned.use(new RunningNodes({ history, publish, addressOf: (id) => supervisor.node(id).address }));
    }
    const temporary = options.data === undefined ? data : undefined;
    return new OpenSession({ options, history, copies, discovery, election, supervisor }, owned, temporary);
  } catch (error) {
    await owned.disposeAsync();
    throw error;
  }
}

/** What was chosen, in one line. */
export function titleOf({ nodes, election, discovery, membership, profile, secret }: DemoOptions): string {
  const known = membership === 'connection' ? '' : `, membership ${membership}`;
  const closed = secret === undefined ? '' : ', with a secret';
  return `${nodes} nodes, election ${election}, discovery ${discovery}${known}, profile ${profile}${closed}`;
}

function serve(ledger: Ledger, history: History): Promise<LedgerServer> {
  return serveLedger(ledger, { host: '127.0.0.1', port: 0 }, (entry) => history.record({ source: 'ledger', ...entry }));
}

/** The server that the election asks: that of the discovery, where both ask the same kind, or one for it alone. */
async function openElector(
  { asked }: ElectionChoice,
  { discovery, election }: DemoOptions,
  registry: string | undefined,
  owned: AsyncDisposableStack,
): Promise<string | undefined> {
  if (asked === undefined) return undefined;
  if (discovery === election && registry !== undefined) return asked.sharedWith(registry);
  return owned.use(await asked.start()).place;
}

class OpenSession implements Session {
  readonly options: DemoOptions;
  readonly history: History;
  readonly copies: LedgerCopies;
  readonly discovery: DiscoveryChoice;
  readonly election: ElectionChoice;
  readonly supervisor: Supervisor;
  /** Servers that the nodes need to the end. */
  readonly #servers: AsyncDisposableStack;
  readonly #temporary: string | undefined;

  constructor(
    { options, history, copies, discovery, election, supervisor }: Omit<Session, keyof AsyncDisposable>,
    servers: AsyncDisposableStack,
    temporary: string | undefined,
  ) {
    this.options = options;
    this.history = history;
    this.copies = copies;
    this.discovery = discovery;
    this.election = election;
    this.supervisor = supervisor;
    this.#servers = servers;
    this.#temporary = temporary;
    // Also when the process ends in a hurry.
    process.once('exit', this.#removeData);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor[Symbol.asyncDispose]();
    await this.#servers.disposeAsync();
    this.#removeData();
    process.removeListener('exit', this.#removeData);
  }

  readonly #removeData = (): void => {
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
  };
}
