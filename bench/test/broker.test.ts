import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

it("measures the broker's state machine", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@quorate/source',
    main,
    'broker',
    '--machine',
    '2000',
  ]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(8);
  for (const line of lines)
    expect(line['messages_per_s'] ?? line['ms'] ?? line['bytes_per_message']).toBeGreaterThan(0);
});
