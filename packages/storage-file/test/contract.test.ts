import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { logStoreContract, storageContract } from '@quorate/testkit';
import { fileStorage } from '../src/index.ts';

const refuses = {
  factory: fileStorage,
  options: [
    {},
    { directory: 'relative' },
    { directory: '/' },
    { directory: '/data', syncs: false },
    { directory: '/data', log: { segmentBytes: 1 } },
  ],
};

storageContract(
  { describe, it },
  {
    name: 'storage-file',
    supports: { durable: true },
    create: () => fileStorage({ directory: '/data/node-a' }),
    refuses,
  },
);

const root = mkdtempSync(join(tmpdir(), 'quorate-contract-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

storageContract(
  { describe, it },
  {
    name: 'storage-file on a real disk',
    supports: { durable: true },
    system: nodeSystem({ logger: silentLogger }),
    medium: () => mkdtempSync(join(root, 'node-')),
    create: (directory: string) => fileStorage({ directory }),
    refuses,
  },
);

logStoreContract(
  { describe, it },
  {
    name: 'storage-file',
    supports: { durable: true },
    create: () => fileStorage({ directory: '/data/node-a', log: { segmentBytes: 256 * 1024 } }),
  },
);

logStoreContract(
  { describe, it },
  {
    name: 'storage-file on a real disk',
    supports: { durable: true },
    system: nodeSystem({ logger: silentLogger }),
    medium: () => mkdtempSync(join(root, 'node-')),
    create: (directory: string) => fileStorage({ directory, log: { segmentBytes: 1024 * 1024, cacheBytes: 0 } }),
  },
);
