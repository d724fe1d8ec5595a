import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

const ids = ['a', 'b', 'c'] as const;
// Inside the package, so that its dependencies are found; one folder a process, so that two runs don't meet.
const folder = path.join(import.meta.dirname, '../.mutants', `${process.pid}`);
const node = path.resolve(import.meta.dirname, '../../../node_modules/.bin/node');
const running: Running[] = [];

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  lines: string;
}

beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => {
  for (const { child } of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

it('elects a leader, and another one with a higher token when that is stopped', async () => {
  const ports = await Promise.all(ids.map(freePort));
  writeFileSync(path.join(folder, 'node.ts'), withPorts(ports));
  running.push(...ids.map((id, index) => start(id, ports[index] ?? 0)));

  const first = await nextLeader();
  first.child.kill('SIGTERM');
  await first.ended;
  const second = await nextLeader(first);

  expect(first.child.exitCode).toBe(0);
  expect(tokenOf(second)).toBeGreaterThan(tokenOf(first) ?? Infinity);
});

/** The example as it stands, but for its ports, which somebody else may use. */
function withPorts(ports: readonly number[]): string {
  const source = readFileSync(path.join(import.meta.dirname, '../src/node.ts'), 'utf8');
  return ports.reduce((text, port, index) => text.replaceAll(`127.0.0.1:700${index + 1}`, `127.0.0.1:${port}`), source);
}

function start(id: string, port: number): Running {
  const child = spawn(node, ['--conditions=@quorate/source', 'node.ts', id, String(port)], { cwd: folder });
  const started: Running = { child, ended: once(child, 'exit'), lines: '' };
  const read = (chunk: Buffer): void => void (started.lines += chunk.toString());
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return started;
}

async function nextLeader(except?: Running): Promise<Running> {
  const leader = (): Running | undefined => running.find((each) => each !== except && tokenOf(each) !== undefined);
  const said = (): string => running.map(({ lines }) => lines).join('---\n');
  await expect.poll(leader, { timeout: 10_000, message: said() }).toBeDefined();
  return leader() as Running;
}

function tokenOf({ lines }: Running): number | undefined {
  const token = /^this node leads, token (\d+)$/mu.exec(lines)?.[1];
  return token === undefined ? undefined : Number(token);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
