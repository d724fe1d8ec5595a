import { type MemoryDisk, memoryDisk, memoryStorage } from '@quorate/memory';
import { describe, it } from 'vitest';

import { storageContract } from '../src/index.ts';

const refuses = { factory: memoryStorage, options: [{ disk: {} }] };

storageContract(
  { describe, it },
  {
    name: 'storage-memory on a disk',
    supports: { durable: true },
    medium: () => memoryDisk(),
    create: (disk: MemoryDisk) => memoryStorage({ disk }),
    refuses,
  },
);

storageContract(
  { describe, it },
  { name: 'storage-memory', supports: { durable: false }, create: () => memoryStorage(), refuses },
);
