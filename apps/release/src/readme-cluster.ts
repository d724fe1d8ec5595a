import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Project } from './project.ts';
import { cleanEnvironment } from './run.ts';
import { root } from './workspace.ts';

const IDS = ['a', 'b', 'c'] as const;
const WITHIN_MS = 30_000;

/** The first program of the README, and what the README says has to be installed for it. */
export function readmeProgram(): { readonly code: string; readonly packages: readonly string[] } {
  const text = readFileSync(path.join(root, 'README.md'), 'utf8');
  const [, code] = /^```ts file=\S+\n(.*?)^```$/msu.exec(text) ?? [];
  const [, packages] = /^ {4}npm i (.+)$/mu.exec(text) ?? [];
  if (code === undefined || packages === undefined)
    throw new Error('README.md shows no program, or nothing to install');
  return { code, packages: packages.split(' ') };
}

/**
 * Runs it three times, as the README says, on ports that are free here, until one of the three leads and all say so; stops
 * them then.
 * @param node the Node.js to run it on
 * @returns who led
 */
export async function runReadmeCluster(project: Project, node: string, ports: readonly number[]): Promise<string> {
  const code = ports.reduce((text, port, at) => text.replaceAll(String(7001 + at), String(port)), readmeProgram().code);
  project.write('node.mts', code);
  const nodes = IDS.map((id, at) => new ReadmeNode(project.folder, node, [id, String(ports[at])]));
  try {
    const leader = await agreed(nodes);
    for (const started of nodes) await started.stop();
    return leader;
  } finally {
    for (const started of nodes) started.kill();
  }
}

/** Whom all say to lead, as soon as it is the same. */
async function agreed(nodes: readonly ReadmeNode[]): Promise<string> {
  const deadline = AbortSignal.timeout(WITHIN_MS);
  for (;;) {
    const said = nodes.map(({ leader }) => leader);
    const [leader = 'none'] = said;
    if (leader !== 'none' && said.every((each) => each === leader)) return leader;
    if (deadline.aborted) throw new Error(nodes.map(({ printed }) => printed).join('\n'));
    await Promise.race([once(deadline, 'abort'), ...nodes.map((each) => each.says())]);
  }
}

/** One process of the three. */
class ReadmeNode {
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exit: Promise<readonly [number | null]>;
  #news = Promise.withResolvers<void>();
  #printed = '';

  constructor(folder: string, node: string, args: readonly string[]) {
    this.#process = spawn(node, ['node.mts', ...args], {
      cwd: folder,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exit = once(this.#process, 'exit') as Promise<[number | null]>;
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => this.#read(part));
    }
  }

  get printed(): string {
    return this.#printed;
  }

  /** What it said last of who leads. */
  get leader(): string | undefined {
    return this.#printed
      .match(/^leader: \S+$/gmu)
      ?.at(-1)
      ?.slice('leader: '.length);
  }

  /** Until it prints something. Rejects when it ends before. */
  async says(): Promise<void> {
    const [code] = (await Promise.race([this.#news.promise, this.#exit])) ?? [];
    if (code !== undefined) throw new Error(`a node ended with ${String(code)}: ${this.#printed}`);
  }

  /** As Ctrl-C would: it hands over, and ends well. */
  async stop(): Promise<void> {
    this.#process.kill('SIGINT');
    const timer = setTimeout(() => this.kill(), WITHIN_MS);
    const [code] = await this.#exit.finally(() => clearTimeout(timer));
    if (code !== 0) throw new Error(`stopped, it ended with ${String(code)}: ${this.#printed}`);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #read(part: string): void {
    this.#printed += part;
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
