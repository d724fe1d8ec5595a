import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NodeProcess, type ProcessState, type SupervisedReport } from '../../src/demo/node-process.ts';

const askedEarly = fileURLToPath(new URL('asked-early-node.ts', import.meta.url));

let data: string;
let states: ProcessState[];
let reports: SupervisedReport['type'][];
let crashes: string[];

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'quorate-broker-test-'));
  [states, reports, crashes] = [[], [], []];
});

afterEach(() => rmSync(data, { recursive: true, force: true }));

function nodeProcess(program?: string): NodeProcess {
  return new NodeProcess({
    ...(program !== undefined && { program }),
    args: () => ['--id=a', `--data=${data}`],
    env: {},
    onState: (state) => states.push(state),
    onReport: ({ type }) => reports.push(type),
    onCrash: (text) => crashes.push(text),
  });
}

it('is stopped before it has begun, and that is no crash', async () => {
  const node = nodeProcess();
  node.start();
  await node.stop();
  expect([states, crashes]).toEqual([['starting', 'stopping', 'stopped'], []]);
});

it('is stopped while it starts: it says goodbye as soon as it can', async () => {
  const node = nodeProcess(askedEarly);
  node.start();
  await expect.poll(() => node.isThere, { timeout: 20_000 }).toBe(false);
  // It was not this process that asked.
  expect([states.at(-1), reports.filter((type) => type !== 'event')]).toEqual(['killed', ['started', 'stopped']]);
  expect(crashes).toEqual(['ended by itself, with code 0']);
});
