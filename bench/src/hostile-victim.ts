// A process of the benchmark `hostile`: an honest node that others make trouble for.
import type { Logger } from '@quorate/core';
import { startMember, startTransport } from './quorate-node.ts';
import { kinds, SECRET } from './transport-kinds.ts';

/** What it tells of itself when it is asked. */
export interface VictimStatus {
  /** After a collection of garbage. */
  readonly heapBytes: number;
  /** Buffers outside the heap. */
  readonly externalBytes: number;
  readonly lines: number;
  readonly cpuMs: number;
}

let lines = 0;
const count = (): void => void (lines += 1);
const counting: Logger = { debug: () => undefined, info: () => undefined, warn: count, error: count };

process.on('disconnect', () => process.exit());
// With `member`, it gossips, and the port takes datagrams too.
const isMember = process.argv[2] === 'member';
const transport = isMember
  ? (await startMember('peer', SECRET, { logger: counting })).transport
  : await startTransport('peer', counting);
transport.onRequest(kinds.ECHO, (_, payload) => payload);
transport.onMessage(kinds.SINK, () => undefined);
transport.onStream(kinds.SINK, async (_, chunks) => {
  for await (const chunk of chunks) void chunk;
});
process.on('message', () => process.send?.(status()));
process.send?.(transport.self.port);

function status(): VictimStatus {
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { heapBytes: heapUsed, externalBytes: Math.max(external, arrayBuffers), lines, cpuMs: (user + system) / 1000 };
}
