import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { chances } from '../fixture.ts';
import { openLog, readAll } from './log-fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'quorate-log-'));
const program = new URL('../children/log-up.ts', import.meta.url).pathname;
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** How often the writer is killed; `LOG_KILLS` asks for more. */
const KILLS = Number(process.env['LOG_KILLS'] ?? 20);

/** Lets the writer acknowledge so many appends, and kills it; gives the last index of each group acknowledged. */
async function writeAndDie(directory: string, appends: number): Promise<ReadonlyMap<number, number>> {
  const child = spawn(process.execPath, ['--conditions=@quorate/source', '--no-warnings', program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const acknowledged = new Map<number, number>();
  let seen = 0;
  for await (const line of createInterface(child.stdout)) {
    const [group, last] = line.split(' ').map(Number);
    if (group !== undefined && last !== undefined) acknowledged.set(group, last);
    if (seen === appends) child.kill('SIGKILL');
    seen += 1;
  }
  await exit;
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

describe('SIGKILL', () => {
  it(
    `of a writer, ${KILLS} times: each acknowledged entry is there, and each entry is what it must be`,
    async () => {
      const directory = join(root, 'killed');
      const choose = chances(3);
      let total = 0;
      for (let kill = 0; kill < KILLS; kill += 1) {
        const acknowledged = await writeAndDie(directory, choose(150));
        const { storage, log } = await openLog(nodeSystem({ logger: silentLogger }), directory);
        for (const [id, last] of acknowledged) {
          const group = log.group(id);
          expect(group.lastIndex).toBeGreaterThanOrEqual(last);
          const wrong = (await readAll(group)).find(
            ({ index, data }) => !new TextDecoder().decode(data).startsWith(`${id}:${index}`),
          );
          expect(wrong).toBeUndefined();
          const state = Number(new TextDecoder().decode(group.state));
          expect(state).toBeLessThanOrEqual(group.lastIndex);
          total += last;
        }
        await storage[Symbol.asyncDispose]();
      }
      expect(total).toBeGreaterThan(KILLS);
    },
    60_000 * Math.max(2, KILLS / 50),
  );
});
