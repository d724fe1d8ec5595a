import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(path.join(tmpdir(), 'custom-discovery-'));
const node = path.resolve(import.meta.dirname, '../../../node_modules/.bin/node');
const program = path.resolve(import.meta.dirname, '../src/node.ts');
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

it('two programs meet when the file names them, and one tells the other when it goes', async () => {
  const ports = [await freePort(), await freePort()] as const;
  const a = start('a', ports[0]);
  const b = start('b', ports[1]);
  // The file comes when both run: what is missing at first is asked for again.
  writeFileSync(path.join(folder, 'nodes.new'), JSON.stringify(ports.map((port) => ({ host: '127.0.0.1', port }))));
  renameSync(path.join(folder, 'nodes.new'), path.join(folder, 'nodes.json'));
  await expect.poll(() => a.said, { timeout: 15_000 }).toContain('met b');
  await expect.poll(() => b.said, { timeout: 15_000 }).toContain('met a');
  b.child.kill('SIGTERM');
  await once(b.child, 'exit');
  await expect.poll(() => a.said, { timeout: 15_000 }).toContain('b has left');
});

function start(id: string, port: number): { readonly child: ChildProcess; readonly said: string } {
  const child = spawn(node, ['--conditions=@quorate/source', program, id, String(port)], { cwd: folder });
  children.push(child);
  const started = { child, said: '' };
  const read = (chunk: Buffer): void => void (started.said += chunk.toString());
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return started;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
