import { type CallOptions, ClusterError, invalidOption } from '@quorate/core';
import { isTaskName } from '../singleton/task-name.ts';
import { CommandedClaims } from './commanded-claims.ts';
import type { SlotClaims } from './slot-claims.ts';
import { flatSlotEntry, readSlotEntry } from './slot-entry.ts';
import { type SlotCommand, type SlotEntry, type SlotResult, SlotTable } from './slot-table.ts';
import type { VersionedRecord, VersionedRecords } from './versioned-records.ts';

/** Of the form of a record. */
const VERSION = 1;
/** Larger ones aren't ours. */
const MAX_RECORD_BYTES = 4096;
/** How often others may be quicker. A task is written by its holder, and by one that was so before. */
const MAX_ATTEMPTS = 8;

/**
 * Claims that a store of versioned records keeps, one record a task: `recordClaims(etcdRecords(client))`, so that each slot
 * is claimed once also where nothing is replicated. Durable, and the same for all nodes, as the store is.
 *
 * Calls reject with `CORRUPT` where a record isn't one of a task, with `REMOTE` when others write it all the time, and
 * otherwise as those of the store do. `forget` takes away whatever is there.
 */
export function recordClaims(records: VersionedRecords): SlotClaims {
  return new CommandedClaims((command, options) => commandRecord(records, command, options));
}

/** Nobody writes between the look and the write; a write whose answer got lost is found done at the next look. */
async function commandRecord(
  records: VersionedRecords,
  command: SlotCommand,
  options: CallOptions,
): Promise<SlotResult> {
  const { task } = command;
  if (!isTaskName(task)) throw invalidOption('recordClaims', 'task', 'a name of a task', task);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const found = await records.read(task, options);
    if (command.do === 'forget') {
      if (found === undefined || (await records.remove(task, found.version, options))) return { kind: 'done' };
    } else {
      const { result, changed } = applied(command, entryOf(task, found));
      if (changed === undefined) return result;
      if (await records.write(task, encodeEntry(task, changed), found?.version, options)) return result;
    }
  }
  throw new ClusterError('REMOTE', `${task}: its record is written by others all the time`);
}

/** What comes of a command, and what the entry is to be then, if it is to be another. */
function applied(
  command: SlotCommand,
  entry: SlotEntry | undefined,
): { readonly result: SlotResult; readonly changed: SlotEntry | undefined } {
  const { task } = command;
  const table = new SlotTable(entry === undefined ? [] : [[task, entry]]);
  const result = table.apply(command);
  const after = table.get(task);
  const isSame = after === undefined || (entry !== undefined && isEqual(entry, after));
  return { result, changed: isSame ? undefined : after };
}

function isEqual(one: SlotEntry, other: SlotEntry): boolean {
  return (Object.keys(one) as (keyof SlotEntry)[]).every((field) => one[field] === other[field]);
}

/** JSON that people can read; of which task it is, too, should a store mix up its names. */
function encodeEntry(task: string, entry: SlotEntry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ quorate: VERSION, task, ...flatSlotEntry(entry) }));
}

function entryOf(task: string, found: VersionedRecord | undefined): SlotEntry | undefined {
  if (found === undefined) return undefined;
  const { quorate, task: told, ...entry } = parse(found.value);
  const read = quorate === VERSION && told === task ? readSlotEntry(entry) : undefined;
  if (read === undefined) throw new ClusterError('CORRUPT', `${task}: what is kept under this name is no record of it`);
  return read;
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.byteLength > MAX_RECORD_BYTES) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
