import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

async function bench(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@quorate/source',
    main,
    'raft',
    ...args,
  ]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('measures commits at each number in flight', async () => {
  const lines = await bench('--systems', 'quorate', '--rounds', '1', '--seconds', '0.1');
  expect(lines.map(({ system, concurrency }) => [system, concurrency])).toEqual([
    ['quorate', 1],
    ['quorate', 64],
    ['quorate', 1024],
  ]);
  for (const line of lines) {
    expect(line['commits_per_s']).toBeGreaterThan(0);
    expect(line['p99_us']).toBeGreaterThanOrEqual(line['p50_us'] as number);
  }
});

it('measures the time to the next commit after a kill', async () => {
  const [line] = await bench('--failover', '2');
  expect(line).toMatchObject({ measure: 'failover', profile: 'fast', samples: 2 });
  expect(line?.['max_ms']).toBeGreaterThan(0);
});

it('has lookups hang while it commits', async () => {
  const [line] = await bench('--hung-dns', '--rounds', '1', '--seconds', '0.1');
  expect(line?.['commits_per_s_hung']).toBeGreaterThan(0);
});

it('refuses a system that it does not know', async () => {
  await expect(bench('--systems', 'quorate,other')).rejects.toThrow(/no system other/u);
});
