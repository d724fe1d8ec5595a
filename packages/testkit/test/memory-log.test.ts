import { type MemoryDisk, memoryDisk, memoryStorage } from '@quorate/memory';
import { describe, it } from 'vitest';

import { logStoreContract } from '../src/index.ts';

logStoreContract(
  { describe, it },
  {
    name: 'storage-memory on a disk',
    supports: { durable: true },
    medium: () => memoryDisk(),
    create: (disk: MemoryDisk) => memoryStorage({ disk }),
  },
);

logStoreContract(
  { describe, it },
  { name: 'storage-memory', supports: { durable: false }, create: () => memoryStorage() },
);
