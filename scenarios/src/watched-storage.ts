import {
  type GroupLog,
  type LogStore,
  type Plugin,
  type RecordStore,
  sleep,
  type Storage,
  type StorageContext,
} from '@quorate/core';
import type { Host } from '@quorate/simulator';
import { logAround } from './log-around.ts';

export interface WatchedDisk {
  /** A record, of this name, or something in a log, is about to be written. */
  onWrite(record?: string): void;
  /** How long that takes. */
  writeMs(): number;
}

/** The same storage on a disk that takes its time; a term that goes back on it is an error. */
export function watchedStorage(
  plugin: Plugin<Storage, 'storage'>,
  host: Host,
  disk: WatchedDisk,
): Plugin<Storage, 'storage'> {
  let lastTerm = 0;
  const watch = (bytes: Uint8Array) => {
    const { term } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly term?: number };
    if (term === undefined) return;
    if (term < lastTerm) throw new Error(`the stored term of ${host.name} went back from ${lastTerm} to ${term}`);
    lastTerm = term;
  };
  const slow = (records: RecordStore, slowly: Slowly): RecordStore => ({
    read: (name) => records.read(name),
    remove: (name) => records.remove(name),
    names: () => records.names(),
    write: (name, bytes) =>
      slowly(async () => {
        await records.write(name, bytes);
        watch(bytes);
      }, name),
  });
  return {
    ...plugin,
    create: (context) => {
      const storage = plugin.create(context);
      const slowly = inTurn(context, disk);
      return {
        supports: storage.supports,
        records: slow(storage.records, slowly),
        ...(storage.log && { log: slowLogs(storage.log, slowly) }),
        open: () => storage.open(),
        [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
      };
    },
  };
}

/** Does something that changes what is kept, when it is its turn and the disk has taken its time. */
type Slowly = <T>(change: () => Promise<T>, record?: string) => Promise<T>;

function inTurn({ clock }: StorageContext, disk: WatchedDisk): Slowly {
  let last: Promise<unknown> = Promise.resolve();
  return (change, record) => {
    const after = last;
    const changed = (async () => {
      await after;
      disk.onWrite(record);
      await sleep(clock, disk.writeMs());
      return change();
    })();
    // A change that failed is its caller's matter; the next one has its turn all the same.
    last = changed.catch(() => undefined);
    return changed;
  };
}

function slowLogs(logs: LogStore, slowly: Slowly): LogStore {
  const known = new Map<number, GroupLog>();
  return {
    open: () => logs.open(),
    groups: () => logs.groups(),
    group: (id) => {
      const log = known.get(id) ?? slowLog(logs.group(id), slowly);
      known.set(id, log);
      return log;
    },
    [Symbol.asyncDispose]: () => logs[Symbol.asyncDispose](),
  };
}

function slowLog(log: GroupLog, slowly: Slowly): GroupLog {
  return logAround(log, {
    append: (batches, beside) => slowly(() => log.append(batches, beside)),
    truncatePrefix: (index, term) => slowly(() => log.truncatePrefix(index, term)),
    saveSnapshot: (about, chunks) => slowly(() => log.saveSnapshot(about, chunks)),
    remove: () => slowly(() => log.remove()),
  });
}
