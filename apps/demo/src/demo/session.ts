import { rmSync } from 'node:fs';
import { access, constants, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { serveDashboard } from '../dashboard/serve-dashboard.ts';
import { discoveries, type DiscoveryChoice } from '../discoveries.ts';
import { type ElectionChoice, elections } from '../elections.ts';
import { Traffic } from '../traffic/traffic.ts';
import { DemoControls } from './demo-controls.ts';
import { DemoLog } from './demo-log.ts';
import { type DemoOptions, MAX_NODES, nodeNames } from './demo-options.ts';
import { DemoSource } from './demo-source.ts';
import { RegistryKeeper } from './registry-keeper.ts';
import { CLUSTER } from './node-arguments.ts';
import { Supervisor } from './supervisor.ts';

/** All that one run of the demo has: the processes, what happens to them, and the clients. */
export interface Session extends AsyncDisposable {
  readonly options: DemoOptions;
  readonly supervisor: Supervisor;
  readonly traffic: Traffic;
  readonly log: DemoLog;
  readonly source: DemoSource;
  readonly controls: DemoControls;
  readonly discovery: DiscoveryChoice;
  readonly election: ElectionChoice;
  /** Of the dashboard. */
  readonly url: string;
}

/** How the command line asks this cluster by these nodes. */
export function askedBy({ options }: Session, addresses: readonly string[]): string {
  const secret = options.secret === undefined ? '' : 'QUORATE_SECRET=… ';
  return `${secret}npm run quorate -- status --cluster ${CLUSTER} --connect ${addresses.join(',')}`;
}

/** For how long a client waits for an answer, by the timings of the cluster: about that of two elections. */
const TIMEOUT_MS = { fast: 1_000, lan: 2_000, wan: 10_000 } as const;

/**
 * @param program of each node, instead of its own: shows what the demo would notice
 * @throws Error where something that it takes is not to be had, such as a server
 */
export async function openSession(options: DemoOptions, program?: string): Promise<Session> {
  const owned = new AsyncDisposableStack();
  try {
    const data = await openData(options, owned);
    const log = new DemoLog();
    const discovery = await discoveries[options.discovery].load();
    const registry = options.registry === undefined ? owned.use(await discovery.asked?.start()) : undefined;
    const place = options.registry ?? registry?.place;
    const election = await elections[options.election].load();
    const elector = options.elector ?? (await openElector(election, options, place, owned));
    const plan = { ...options, registry: place, elector, data, ...(program !== undefined && { program }) };
    const supervisor = owned.use(await Supervisor.create(plan, log));
    if (registry?.publish !== undefined) owned.use(new RegistryKeeper(supervisor, registry.publish));
    const urls = supervisor.nodes.map(({ url }) => url);
    const hasPast = options.data !== undefined;
    const traffic = owned.use(new Traffic({ urls, timeoutMs: TIMEOUT_MS[options.profile], hasPast }));
    const controls = new DemoControls(supervisor, traffic);
    const source = owned.use(new DemoSource({ supervisor, traffic, log }));
    const { port } = options;
    const dashboard = owned.use(await serveDashboard({ source, controls, messages: {}, port }));
    const { url } = dashboard;
    const close = () => owned.disposeAsync();
    return {
      options,
      supervisor,
      traffic,
      log,
      source,
      controls,
      discovery,
      election,
      url,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await owned.disposeAsync();
    throw error;
  }
}

/** A temporary folder is removed when all else has ended, also when this process ends in a hurry. */
async function openData({ data, nodes }: DemoOptions, owned: AsyncDisposableStack): Promise<string> {
  if (data !== undefined) {
    await makeFolder(resolve(data)).catch((error: unknown) => {
      throw new Error(`--data ${data}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    await checkNodes(data, nodes);
    return data;
  }
  const folder = await mkdtemp(join(tmpdir(), 'quorate-demo-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  owned.defer(() => {
    process.removeListener('exit', remove);
    remove();
  });
  return folder;
}

/** Who voted there before are the members: others would wait for a place, and those who are missing are missed. */
async function checkNodes(data: string, nodes: number): Promise<void> {
  const names = nodeNames(MAX_NODES);
  const stored = (await readdir(data)).filter((name) => names.includes(name)).sort();
  if (stored.length === 0 || stored.join() === nodeNames(nodes).join()) return;
  throw new Error(`--data ${data} is that of ${stored.length} nodes: give --nodes ${stored.length}, or another folder`);
}

/** With those above it, and fit to be written in. One by one: `recursive` tries for ever where the kernel allows none, as in /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return await access(folder, constants.W_OK | constants.X_OK);
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
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
