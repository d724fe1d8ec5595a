import type { Entry } from './types.ts';

/** What an entry costs besides its data, in limits: index, term and type. Keeps empty entries from being free. */
const ENTRY_OVERHEAD_BYTES = 16;

/** What an entry counts against limits of memory and messages. */
function entryBytes(entry: Entry): number {
  return entry.data.byteLength + ENTRY_OVERHEAD_BYTES;
}

export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/** The proposers' bytes alone: what counts as uncommitted and as in flight. */
export function payloadBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.byteLength;
  return bytes;
}

/** `entries[from]` to before `entries[to]`, as many as fit into `maxBytes` but at least one. */
export function takeUpTo(entries: readonly Entry[], from: number, to: number, maxBytes: number): readonly Entry[] {
  let bytes = 0;
  for (let i = from; i < to; i += 1) {
    bytes += entryBytes(entries[i] as Entry);
    if (bytes > maxBytes && i > from) return entries.slice(from, i);
  }
  return entries.slice(from, to);
}
