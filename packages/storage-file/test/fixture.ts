import { type Disk, type Logger, silentLogger, type Storage, type StorageContext } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '../src/index.ts';

export const DIRECTORY = '/data/node-a';

/** A storage over this disk, not yet open. */
export function storageOn(disk: Disk, directory: string = DIRECTORY, logger: Logger = silentLogger): Storage {
  const context: StorageContext = { ...nodeSystem({ logger }), disk, nodeId: 'a' };
  return fileStorage({ directory }).create(context);
}

export async function opened(disk: Disk, directory?: string, logger?: Logger): Promise<Storage> {
  const storage = storageOn(disk, directory, logger);
  await storage.open();
  return storage;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

/** Chances from a seed, for tests that enumerate. (xorshift32) */
export function chances(seed: number): (bound: number) => number {
  let state = (seed + 1) * 2_654_435_761;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
