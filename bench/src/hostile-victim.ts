// A process of the benchmark `hostile`: an honest node that others make trouble for.
import type { Logger } from '@quorate/core';
import { swimStats } from '@quorate/membership-swim';
import { startMember, startTransport } from './quorate-node.ts';
import { kinds, SECRET } from './transport-kinds.ts';

/** What it tells of itself when it is asked. */
export interface VictimStatus {
  /** After a collection of garbage. */
  readonly heapBytes: number;
  /** Buffers outside the heap. */
  readonly externalBytes: number;
  readonly lines: number;
  /** Datagrams that it has read, of whomever; what finds the kernel's buffer full is not among them. */
  readonly datagrams: number;
  readonly cpuMs: number;
}

let lines = 0;
const count = (): void => void (lines += 1);
const counting: Logger = { debug: () => undefined, info: () => undefined, warn: count, error: count };

process.on('disconnect', () => process.exit());
// With `member`, it gossips, and the port takes datagrams too; with `secret`, its streams are secured.
const kind = process.argv[2];
const member = kind === 'member' ? await startMember('peer', SECRET, { logger: counting }) : undefined;
const transport = member?.transport ?? (await startTransport('peer', counting, kind === 'secret' ? SECRET : undefined));
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
  return {
    heapBytes: heapUsed,
    externalBytes: Math.max(external, arrayBuffers),
    lines,
    datagrams: member === undefined ? 0 : (swimStats(member.membership)?.datagrams.received ?? 0),
    cpuMs: (user + system) / 1000,
  };
}
