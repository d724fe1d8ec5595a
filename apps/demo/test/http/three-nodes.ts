import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answer, call } from './one-node.ts';

const main = fileURLToPath(new URL('../../src/node/node-main.ts', import.meta.url));
const IDS = ['a', 'b', 'c'] as const;

export type Id = (typeof IDS)[number];

/** Three processes with their storage on disk. */
export class ThreeNodes implements AsyncDisposable {
  readonly #data: string;
  readonly #ports: ReadonlyMap<Id, { readonly node: number; readonly http: number }>;
  readonly #children = new Map<Id, ChildProcess>();
  #output = '';

  private constructor(data: string, ports: readonly number[]) {
    this.#data = data;
    this.#ports = new Map(IDS.map((id, at) => [id, { node: ports[2 * at]!, http: ports[2 * at + 1]! }]));
  }

  static async start(): Promise<ThreeNodes> {
    const data = await mkdtemp(join(tmpdir(), 'quorate-broker-test-'));
    const nodes = new ThreeNodes(data, await freePorts(2 * IDS.length));
    for (const id of IDS) nodes.begin(id);
    await Promise.all(IDS.map((id) => nodes.ready(id)));
    return nodes;
  }

  get output(): string {
    return this.#output;
  }

  url(id: Id): string {
    return `http://127.0.0.1:${this.#ports.get(id)!.http}`;
  }

  begin(id: Id): void {
    const peers = IDS.filter((each) => each !== id).map((each) => `${each}@127.0.0.1:${this.#ports.get(each)!.node}`);
    const { node, http } = this.#ports.get(id)!;
    const options = {
      id,
      port: node,
      http: `127.0.0.1:${http}`,
      peers: peers.join(),
      data: this.#data,
      secret: 'a secret of three nodes',
      'log-level': 'error',
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(process.execPath, ['--conditions=@quorate/source', main, ...args], {
      // They are started again and again.
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.#data, 'compiled') },
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += `${id} ${chunk}`));
    this.#children.set(id, child);
  }

  /** Resolves when it can do its work. */
  async ready(id: Id): Promise<void> {
    for (;;) {
      const isReady = await fetch(`${this.url(id)}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends a signal, and resolves with how the process has ended. */
  async end(id: Id, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#children.get(id)!;
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill(signal);
    return await closed;
  }

  async call(id: Id, method: string, path: string, body?: unknown): Promise<Answer> {
    return await call(`${this.url(id)}${path}`, method, body);
  }

  /** Who leads the log, as any living node sees it. */
  async leader(but?: Id): Promise<Id> {
    for (;;) {
      for (const id of IDS.filter((each) => each !== but)) {
        const status = await this.call(id, 'GET', '/v1/cluster').catch(() => undefined);
        const leader = IDS.find((each) => each === status?.body.replication?.leader);
        if (leader !== undefined && leader !== but) return leader;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.values()) child.kill('SIGKILL');
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
