import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function bench(...args: readonly string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(process.execPath, ['--conditions=@quorate/source', main, ...args]);
}

it('lists the benchmarks', async () => {
  expect((await bench()).stdout).toMatch(/^transport {2,}\S/mu);
  await expect(bench('unknown')).rejects.toThrow(/there is no benchmark unknown/u);
});

it('compares the transport, plain and by TLS, with plain net, as JSON lines', async () => {
  const { stdout } = await bench('transport', '--seconds', '0.02', '--rounds', '1');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const trips = lines.filter(({ measure }) => measure === 'round-trips');
  expect(trips.map(({ system, in_flight: inFlight }) => `${String(system)} ${String(inFlight)}`)).toEqual([
    'net 1',
    'quorate 1',
    'quorate-tls 1',
    'net 64',
    'quorate 64',
    'quorate-tls 64',
  ]);
  const ratios = lines.filter(({ measure }) => measure === 'ratio');
  expect(ratios.map(({ tls_to_plain: ratio }) => typeof ratio)).toEqual(Array(4).fill('number'));
});
