import { fdatasyncSync, openSync, closeSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';
import { type Benchmark, percentile, report, rounded } from './benchmark.ts';

const WRITES = 2000;
/** About what a vote takes. */
const VALUE = new Uint8Array(128).fill(7);

/** A durable record of `storage-file` that is replaced, beside the two bare writes and syncs that are in it. */
export const records: Benchmark = {
  name: 'records',
  description: 'replacing a durable record of storage-file, beside two bare writes with fdatasync',
  async run(): Promise<void> {
    const directory = await mkdtemp(path.join(tmpdir(), 'quorate-records-'));
    try {
      tell('bare', measureBare(path.join(directory, 'bare')));
      tell('quorate', await measureRecords(path.join(directory, 'storage')));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};

async function measureRecords(directory: string): Promise<readonly number[]> {
  const system = nodeSystem({ logger: silentLogger });
  const storage = fileStorage({ directory }).create({ ...system, nodeId: 'bench' });
  await storage.open();
  await storage.records.write('vote', VALUE);
  const times: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    const begun = performance.now();
    await storage.records.write('vote', VALUE);
    times.push(performance.now() - begun);
  }
  await storage[Symbol.asyncDispose]();
  return times;
}

function measureBare(file: string): readonly number[] {
  const handle = openSync(file, 'w+');
  const replace = () => {
    for (const position of [0, 4096]) {
      writeSync(handle, VALUE, 0, VALUE.length, position);
      fdatasyncSync(handle);
    }
  };
  replace();
  const times = Array.from({ length: WRITES }, () => {
    const begun = performance.now();
    replace();
    return performance.now() - begun;
  });
  closeSync(handle);
  return times;
}

function tell(system: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const [p50, p95] = [percentile(sorted, 0.5), percentile(sorted, 0.95)];
  report({ benchmark: 'records', system, writes: times.length, p50_ms: rounded(p50), p95_ms: rounded(p95) });
}
