import { type Plugin, type RecordStore, sleep, type Storage, type StorageContext } from '@quorate/core';
import type { Host } from '@quorate/simulator';

export interface WatchedDisk {
  /** A record is about to be written. */
  onWrite(): void;
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
  const slow = (records: RecordStore, { clock }: StorageContext): RecordStore => {
    let last: Promise<unknown> = Promise.resolve();
    const write = async (name: string, bytes: Uint8Array, after: Promise<unknown>): Promise<void> => {
      await after;
      disk.onWrite();
      await sleep(clock, disk.writeMs());
      await records.write(name, bytes);
      watch(bytes);
    };
    return {
      read: (name) => records.read(name),
      remove: (name) => records.remove(name),
      names: () => records.names(),
      write: (name, bytes) => {
        const written = write(name, bytes, last);
        last = written;
        return written;
      },
    };
  };
  return {
    ...plugin,
    create: (context) => {
      const storage = plugin.create(context);
      return {
        supports: storage.supports,
        records: slow(storage.records, context),
        open: () => storage.open(),
        [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
      };
    },
  };
}
