import type { StreamHandler } from '@quorate/core';
import { expect, it } from 'vitest';
import { HandlerTable } from '../src/handlers.ts';
import { IncomingStreams } from '../src/incoming-streams.ts';
import type { Outlet } from '../src/outlet.ts';

const outlet: Outlet = {
  peerId: 'b',
  maxPayloadBytes: 1024,
  offer: () => true,
  push: () => undefined,
  idle: true,
  violated: (message) => {
    throw new Error(message);
  },
};

it('a tiny chunk that waits does not keep the much that arrived with it', async () => {
  const handlers = new HandlerTable<StreamHandler>();
  const read: Uint8Array[] = [];
  const gate = Promise.withResolvers<undefined>();
  const done = Promise.withResolvers<undefined>();
  handlers.add(1024, async (_from, chunks) => {
    await gate.promise;
    for await (const chunk of chunks) read.push(chunk);
    done.resolve(undefined);
  });
  const streams = new IncomingStreams(outlet, handlers, { maxStreams: 1, windowBytes: 64 * 1024 });
  streams.open({ type: 'STREAM_OPEN', id: 1, kind: 1024 });
  const arrived = (byte: number): Uint8Array => new Uint8Array(64 * 1024).fill(byte).subarray(100, 103);
  for (let byte = 0; byte < 100; byte += 1) streams.chunk({ type: 'STREAM_CHUNK', id: 1, payload: arrived(byte) });
  streams.ended(1);
  gate.resolve(undefined);
  await done.promise;
  expect(read.map((chunk) => [...chunk])).toEqual(Array.from({ length: 100 }, (_, byte) => [byte, byte, byte]));
  expect(read.reduce((sum, chunk) => sum + chunk.buffer.byteLength, 0)).toBeLessThan(1000);
});
