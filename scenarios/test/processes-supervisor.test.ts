import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NodeSupervisor } from '../src/processes/node-supervisor.ts';

const BOUND_MS = 10_000;
/** Tells its process id as the port. */
const PROGRAM = `
  const { id } = JSON.parse(process.argv[2]);
  process.on('disconnect', () => process.exit());
  if (id === 'broken') {
    console.error('it hurts');
    process.exit(3);
  }
  process.send({ type: 'role', leads: true, term: id === 'a' ? 2 : 1 });
  process.send({ type: 'ready', clientPort: process.pid });
  setInterval(() => {}, 1000);
`;

let directory: string;
let supervisor: NodeSupervisor;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'quorate-supervisor-'));
  const program = path.join(directory, 'program.mjs');
  await writeFile(program, PROGRAM);
  const settings = ['a', 'b', 'broken'].map((id) => ({ id, directory, ports: {}, routes: [] }));
  supervisor = new NodeSupervisor(settings, program);
});

afterEach(async () => {
  await supervisor[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function runs(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** As the system sees it: T is stopped. */
function systemState(pid: number | undefined): string {
  return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
}

it('starts, kills and starts again', async () => {
  expect(supervisor.state('a')).toBe('dead');
  supervisor.start('a');
  await supervisor.ready('a', BOUND_MS);
  const first = supervisor.clientPort('a');
  expect([supervisor.state('a'), runs(first)]).toEqual(['running', true]);
  await supervisor.kill('a');
  expect([supervisor.state('a'), supervisor.clientPort('a'), runs(first)]).toEqual(['dead', undefined, false]);
  supervisor.start('a');
  await supervisor.ready('a', BOUND_MS);
  expect(supervisor.clientPort('a')).not.toBe(first);
  expect(supervisor.failure).toBeUndefined();
});

it('kills a process that is paused', async () => {
  supervisor.start('a');
  await supervisor.ready('a', BOUND_MS);
  const pid = supervisor.clientPort('a');
  supervisor.pause('a');
  expect(supervisor.state('a')).toBe('paused');
  await vi.waitFor(() => expect(systemState(pid)).toMatch(/^T/u));
  supervisor.resume('a');
  expect(supervisor.state('a')).toBe('running');
  await vi.waitFor(() => expect(systemState(pid)).not.toMatch(/^T/u));
  supervisor.pause('a');
  await supervisor.kill('a');
  expect(runs(pid)).toBe(false);
});

it('knows who leads in the newest term', async () => {
  for (const id of ['b', 'a']) {
    supervisor.start(id);
    await supervisor.ready(id, BOUND_MS);
  }
  expect(supervisor.leader).toBe('a');
  await supervisor.kill('a');
  expect(supervisor.leader).toBe('b');
});

it('tells of a process that ended by itself, with what it wrote', async () => {
  supervisor.start('broken');
  await expect(supervisor.ready('broken', BOUND_MS)).rejects.toThrow(
    /broken ended by itself \(code 3\)\n {2}it hurts/u,
  );
  expect(supervisor.failure).toBeDefined();
});
