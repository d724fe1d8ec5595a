import { ClusterError } from '@quorate/core';
import { duration, integer, packShare, text, unpackHolder, unpackShare } from './lock-command.ts';
import type { Claim } from './lock-machine.ts';

/** All that the machine knows. */
export interface LockState {
  /** Of the log. */
  readonly time: number;
  readonly lastToken: number;
  /** In the order of coming. */
  readonly claims: readonly Claim[];
}

const VERSION = 1;
/** How many claims make a chunk. */
const CLAIMS_PER_CHUNK = 256;
/** The longest line: a claim whose names are all escaped. */
const MAX_LINE_LENGTH = 8192;

/** JSON lines: time and token, then a line for each claim. */
export async function* stateChunks({ time, lastToken, claims }: LockState): AsyncIterable<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(`${JSON.stringify([time, lastToken, claims.length])}\n`);
  for (let at = 0; at < claims.length; at += CLAIMS_PER_CHUNK) {
    const lines = claims.slice(at, at + CLAIMS_PER_CHUNK).map((claim) => `${JSON.stringify(packClaim(claim))}\n`);
    yield encoder.encode(lines.join(''));
  }
}

/** @throws ClusterError `CORRUPT`, `UNSUPPORTED` for what a later release wrote */
export async function readState(chunks: AsyncIterable<Uint8Array>, version: number): Promise<LockState> {
  if (version !== VERSION) {
    throw new ClusterError('UNSUPPORTED', `locks of version ${version}, which this release does not know`);
  }
  let head: readonly number[] | undefined;
  const claims: Claim[] = [];
  for await (const line of linesOf(chunks)) {
    const packed = parse(line);
    if (head === undefined) head = packed.map(Number);
    else claims.push(corrupt(() => unpackClaim(packed)));
  }
  const [time = 0, lastToken = 0, count = 0] = head ?? [];
  if (claims.length !== count) throw unsound(`${claims.length} locks where there should be ${count}`);
  return { time, lastToken: corrupt(() => integer(lastToken)), claims };
}

function packClaim({ holder, number, name, share, ttlMs, expiresAt, token = 0 }: Claim): readonly unknown[] {
  return [holder.nodeId, holder.incarnation, number, name, ttlMs, expiresAt, token, ...packShare(share)];
}

function unpackClaim(packed: readonly unknown[]): Claim {
  const [nodeId, incarnation, number, name, ttlMs, expiresAt, token, ...share] = packed;
  if (typeof expiresAt !== 'number') throw new TypeError('a claim without an end');
  return {
    holder: unpackHolder(nodeId, incarnation),
    number: integer(number),
    name: text(name),
    ttlMs: duration(ttlMs),
    expiresAt,
    token: integer(token) || undefined,
    share: unpackShare(share),
  };
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + corrupt(() => decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_LENGTH) throw unsound('a line without an end');
    yield* lines;
  }
  if (rest !== '') throw unsound('it is cut off');
}

function parse(line: string): readonly unknown[] {
  const packed: unknown = corrupt(() => JSON.parse(line));
  if (!Array.isArray(packed)) throw unsound('a line that is no list');
  return packed;
}

function corrupt<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unsound(String(cause), cause);
  }
}

function unsound(flaw: string, cause?: unknown): ClusterError {
  return new ClusterError('CORRUPT', `the state of the locks can't be read: ${flaw}`, { cause });
}
