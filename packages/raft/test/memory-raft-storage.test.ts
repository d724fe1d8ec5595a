import { describe, expect, it } from 'vitest';
import { MemoryRaftStorage } from '../src/index.ts';

describe('storage in memory', () => {
  it('keeps its log when all that is appended is compacted already', () => {
    const storage = new MemoryRaftStorage();
    const entries = [1, 2, 3, 4].map((index) => ({ index, term: 1, type: 'normal' as const, data: new Uint8Array() }));
    storage.append(entries);
    storage.compact(2);
    storage.append(entries.slice(0, 2));
    expect(storage.lastIndex()).toBe(4);
  });
});
