import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { readLines } from '../src/lines.ts';
import { readPage } from '../src/object.ts';
import { readStatus } from '../src/status.ts';
import { readWatchEvent } from '../src/watch-event.ts';

it('finds the same lines however a body is cut', async () => {
  const lines = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => line.trim() !== '' && !line.includes('\n')),
  );
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (given, cuts) => {
      const bytes = new TextEncoder().encode(given.map((line) => `${line}\n`).join(''));
      const found: string[] = [];
      for await (const line of readLines(cut(bytes, cuts), 10_000)) found.push(line);
      expect(found).toEqual(given);
    }),
  );
});

// oxlint-disable-next-line require-await -- a body is asynchronous
async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

it('reads whatever a server says as what it is, or fails with an error of its own', () => {
  const object = fc.oneof(
    fc.anything(),
    fc.record({
      metadata: fc.oneof(fc.anything(), fc.record({ name: fc.anything(), resourceVersion: fc.anything() })),
    }),
  );
  const event = fc.oneof(
    fc.anything(),
    fc.record({ type: fc.constantFrom('ADDED', 'DELETED', 'BOOKMARK', 'ERROR', 'X'), object }),
  );
  const page = fc.oneof(
    fc.anything(),
    fc.record({ metadata: fc.anything(), items: fc.oneof(fc.anything(), fc.array(object)) }),
  );
  fc.assert(
    fc.property(event, page, (anEvent, aPage) => {
      const text = stringify(anEvent);
      attempt(() => expect(typeof readWatchEvent(text, 'watch').resourceVersion).toBe('string'));
      const value: unknown = JSON.parse(stringify(aPage));
      attempt(() => {
        for (const { metadata } of readPage(value, 'list').items) expect(typeof metadata.name).toBe('string');
      });
      const { code, reason, message } = readStatus(value, 500);
      expect([typeof code, typeof reason, typeof message]).toEqual(['number', 'string', 'string']);
    }),
  );
});

function attempt(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!isClusterError(error)) throw error;
  }
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) ?? 'null';
}
