import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { encodeBatch, type LogBatch, type LogEntry, type LogStore, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';

import { type Benchmark, median, percentile, report, rounded } from './benchmark.ts';

export const log: Benchmark = {
  name: 'log',
  description:
    'the log of storage-file beside a bare preallocated file: [--seconds 2] [--rounds 3] [--payload 256] [--reopen <MB>]',
  run,
};

const MIB = 1024 * 1024;
const BARE_BYTES = 64 * MIB;

/** What is compared, behind one face: resolves when the batch is durable. */
interface System {
  readonly name: 'quorate' | 'bare';
  append(batch: LogBatch): Promise<void>;
  close(): Promise<void>;
}

interface Appends {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

async function run(args: readonly string[]): Promise<void> {
  const options = {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    payload: { type: 'string' },
    reopen: { type: 'string' },
  } as const;
  const { seconds = '2', rounds = '3', payload = '256', reopen } = parseArgs({ args: [...args], options }).values;
  const directory = fs.mkdtempSync(join(tmpdir(), 'quorate-bench-log-'));
  try {
    if (reopen === undefined) await compare(directory, Number(seconds), Number(rounds), Number(payload));
    else await measureReopening(directory, Number(reopen), Number(payload));
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

async function compare(directory: string, seconds: number, rounds: number, payloadBytes: number): Promise<void> {
  const systems = [await openQuorate(join(directory, 'quorate')), openBare(join(directory, 'bare'))];
  const next = new Map(systems.map((system) => [system, 1]));
  for (const batch of [1, 16, 128, 1024]) {
    const results = new Map<System, Appends[]>(systems.map((system) => [system, []]));
    // They take turns, so that what else the machine does hits both; the first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [system, list] of results) {
        const { first, ...appends } = await append(system, next.get(system) ?? 1, batch, payloadBytes, seconds);
        next.set(system, first);
        if (round > 0) list.push(appends);
      }
    }
    for (const [{ name }, list] of results) {
      report({
        benchmark: 'log',
        system: name,
        batch,
        payload_bytes: payloadBytes,
        entries_per_s: rounded(median(list.map(({ perSecond }) => perSecond))),
        p50_us: rounded(median(list.map(({ p50 }) => p50)) * 1000),
        p99_us: rounded(median(list.map(({ p99 }) => p99)) * 1000),
      });
    }
  }
  for (const system of systems) await system.close();
}

/** Appends batch after batch, each encoded anew, for so long. */
async function append(
  system: System,
  begin: number,
  count: number,
  payloadBytes: number,
  seconds: number,
): Promise<Appends & { readonly first: number }> {
  const { crc32 } = nodeSystem();
  const data = new Uint8Array(payloadBytes).fill(7);
  const latencies: number[] = [];
  const start = performance.now();
  let first = begin;
  let now = start;
  while (now - start < seconds * 1000) {
    await system.append(encodeBatch(entriesFrom(first, count, data), crc32));
    const then = performance.now();
    latencies.push(then - now);
    now = then;
    first += count;
  }
  const sorted = Float64Array.from(latencies).sort();
  const perSecond = ((first - begin) / (now - start)) * 1000;
  return { perSecond, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), first };
}

function entriesFrom(first: number, count: number, data: Uint8Array): LogEntry[] {
  return Array.from({ length: count }, (_, at) => ({ index: first + at, term: 1, kind: 0, data }));
}

async function openLog(directory: string): Promise<{ readonly log: LogStore; readonly close: () => Promise<void> }> {
  const plugin = fileStorage({ directory });
  const storage = plugin.create({ ...nodeSystem({ logger: silentLogger }), nodeId: 'bench' });
  await storage.open();
  if (storage.log === undefined) throw new Error('this storage has no log');
  await storage.log.open();
  return { log: storage.log, close: async () => storage[Symbol.asyncDispose]() };
}

/** Truncated now and then, as a host with snapshots would, so that it runs in files that exist. */
async function openQuorate(directory: string): Promise<System> {
  const { log: store, close } = await openLog(directory);
  const group = store.group(1);
  let bytes = 0;
  const truncate = (): void => {
    bytes = 0;
    void group.truncatePrefix(group.lastIndex, 1);
  };
  return {
    name: 'quorate',
    append: (batch) => {
      bytes += batch.bytes.length;
      if (bytes > 32 * MIB) truncate();
      return group.append([batch]);
    },
    close,
  };
}

/** One write and one sync a batch, over and over the same preallocated file. */
function openBare(path: string): System {
  const descriptor = fs.openSync(path, 'w');
  fs.writeSync(descriptor, new Uint8Array(BARE_BYTES));
  fs.fsyncSync(descriptor);
  let position = 0;
  const write = ({ bytes }: LogBatch): Promise<void> => {
    if (position + bytes.length > BARE_BYTES) position = 0;
    const at = position;
    position += bytes.length;
    return new Promise((resolve, reject) => {
      fs.write(descriptor, bytes, 0, bytes.length, at, (error) => {
        if (error !== null) reject(error);
        else fs.fdatasync(descriptor, (failure) => (failure === null ? resolve() : reject(failure)));
      });
    });
  };
  return {
    name: 'bare',
    append: write,
    close: () => {
      fs.closeSync(descriptor);
      return Promise.resolve();
    },
  };
}

/** Opens a log of so many megabytes in a process of its own. */
async function measureReopening(directory: string, megabytes: number, payloadBytes: number): Promise<void> {
  const { log: store, close } = await openLog(directory);
  const { crc32 } = nodeSystem();
  const data = new Uint8Array(payloadBytes).fill(7);
  const group = store.group(1);
  let bytes = 0;
  for (let first = 1; bytes < megabytes * MIB; first += 64) {
    const batch = encodeBatch(entriesFrom(first, 64, data), crc32);
    bytes += batch.bytes.length;
    await group.append([batch]);
  }
  await close();
  const child = fork(new URL('log-reopening.ts', import.meta.url), [directory]);
  await new Promise<void>((resolve, reject) => {
    child.once('message', (line) => {
      report({ benchmark: 'log', measure: 'reopening', megabytes, ...(line as Record<string, number>) });
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`reopening ended with code ${code}`)));
  });
}
