import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/node-main.ts', import.meta.url));
let data = '';

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'quorate-demo-test-'));
});

afterEach(() => rm(data, { recursive: true, force: true }));

function startNode(...args: readonly string[]) {
  const child = spawn(process.execPath, ['--conditions=@quorate/source', main, ...args, '--data', data]);
  let output = '';
  const streams = [child.stdout, child.stderr];
  for (const stream of streams) stream.on('data', (chunk) => (output += String(chunk)));
  const seen = (text: string) =>
    new Promise<void>((resolve, reject) => {
      child.once('close', () => reject(new Error(`it ended before "${text}":\n${output}`)));
      for (const stream of streams) stream.on('data', () => output.includes(text) && resolve());
    });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, seen, closed, output: () => output };
}

it('runs a node that leads, works and stops gracefully', async () => {
  const node = startNode('--id', 'a', '--serve-ledger', '0');
  await node.seen('ticket 2 with token 1');
  node.child.kill('SIGINT');
  expect(await node.closed).toBe(0);
  expect(node.output()).toContain('this node leads in term 1');
  expect(node.output()).toMatch(/stopped\n$/u);
});

it('keeps the ledger itself with --election raft, and goes on numbering where it stopped', async () => {
  const first = startNode('--id', 'a', '--election', 'raft');
  await first.seen('ticket 2 with token 2');
  first.child.kill('SIGINT');
  expect(await first.closed).toBe(0);
  const numbered = Number(/ticket (\d+) with token 2\n(?![^]*ticket)/u.exec(first.output())?.[1]);
  const second = startNode('--id', 'a', '--election', 'raft');
  await second.seen(`ticket ${numbered + 1} with token 3`);
  second.child.kill('SIGINT');
  expect(await second.closed).toBe(0);
  expect(second.output()).not.toContain(`ticket ${numbered} with`);
});

it('says what is wrong, and fails', async () => {
  const node = startNode('--id', 'a', '--host', '0.0.0.0', '--port', '7001', '--advertise', '127.0.0.1:7001');
  expect(await node.closed).toBe(1);
  expect(node.output()).toMatch(/^INVALID_OPTIONS: .*set insecure: true/u);
});
