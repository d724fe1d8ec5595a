import { decodeBatch, type GroupLog, type LogBatch, type Plugin, type Storage } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { logAround } from '../log-around.ts';
import { LogView } from '../raft/log-view.ts';
import type { RaftRules } from '../raft/rules.ts';

/** The kinds of entries in a log, as raft-host writes them; what they are called is all the same here. */
const KINDS: readonly Entry['type'][] = ['normal', 'conf-change', 'conf-change-v2'];

/** The log of a group on one node, as it was asked to be: what the node goes by, be it durable or not. */
export class WatchedLog {
  readonly #number: number;
  readonly #rules: RaftRules;
  #view = new LogView(0, [0]);
  #durable = 0;

  constructor(number: number, rules: RaftRules) {
    this.#number = number;
    this.#rules = rules;
  }

  get view(): LogView {
    return this.#view;
  }

  /** The last entry that is on the disk, or in a snapshot there. */
  get durable(): number {
    return this.#durable;
  }

  /** A process has found this. */
  opened(log: GroupLog): void {
    const base = log.firstIndex - 1;
    const terms = Array.from({ length: log.lastIndex - base + 1 }, (_none, at) => log.term(base + at) ?? 0);
    this.#view = new LogView(base, terms);
    this.#durable = Math.max(log.lastIndex, log.snapshot?.index ?? 0);
  }

  /** All of it is gone, and the node knows. */
  lost(): void {
    this.#view = new LogView(0, [0]);
    this.#durable = 0;
  }

  appending(batches: readonly LogBatch[]): void {
    for (const batch of batches) for (const entry of decodeBatch(batch)) this.#append(entry);
  }

  appended(batches: readonly LogBatch[]): void {
    const last = batches.at(-1);
    if (last !== undefined) this.#durable = last.firstIndex + last.count - 1;
  }

  /** Entries up to this one go; all of them, where it is not there. */
  truncating(index: number, term: number): void {
    if (index <= this.#view.base) return;
    const keeps = this.#view.term(index) === term;
    const behind = keeps ? Array.from({ length: this.#view.lastIndex - index }, (_none, at) => index + 1 + at) : [];
    this.#view = new LogView(index, [term, ...behind.map((at) => this.#view.term(at) ?? 0)]);
  }

  kept(snapshot: number): void {
    this.#durable = Math.max(this.#durable, snapshot);
  }

  #append({ index, term, kind, data }: ReturnType<typeof decodeBatch>[number]): void {
    const entry = { index, term, type: KINDS[kind] ?? 'normal', data };
    this.#rules.writes(this.#number, entry, this.#view.term(index - 1));
    this.#view.append(entry);
  }
}

export interface StorageWatcher {
  /** A rule says that this is broken. */
  broken(error: unknown): void;
  /** A term or vote is about to be written. */
  promises(): void;
  /** A term or vote has been written. */
  promised(): void;
  /** The log was damaged, and is set aside. */
  lost(): void;
}

/** The same storage; what is written to its log is judged by the rules. */
export function watchedStorage(
  plugin: Plugin<Storage, 'storage'>,
  watched: WatchedLog,
  watcher: StorageWatcher,
): Plugin<Storage, 'storage'> {
  const guarded = (act: () => void) => {
    try {
      act();
    } catch (error) {
      watcher.broken(error);
    }
  };
  return {
    ...plugin,
    create: (context) => {
      const storage = plugin.create(context);
      const { log } = storage;
      if (log === undefined) throw new Error('the nodes of this scenario need a storage with a log');
      let watching: GroupLog | undefined;
      return {
        supports: storage.supports,
        records: storage.records,
        open: () => storage.open(),
        log: {
          open: () => log.open(),
          groups: () => log.groups(),
          group: (id) => {
            watching ??= watch(log.group(id), watched, watcher, guarded);
            return watching;
          },
          setAside:
            log.setAside &&
            (async (copy) => {
              watched.lost();
              watcher.lost();
              await log.setAside?.(copy);
              watching = undefined;
            }),
          [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
        },
        [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
      };
    },
  };
}

function watch(
  log: GroupLog,
  watched: WatchedLog,
  watcher: StorageWatcher,
  guarded: (act: () => void) => void,
): GroupLog {
  watched.opened(log);
  return logAround(log, {
    append: async (batches, beside) => {
      guarded(() => watched.appending(batches));
      if (beside?.state !== undefined) watcher.promises();
      await log.append(batches, beside);
      watched.appended(batches);
      if (beside?.state !== undefined) watcher.promised();
    },
    truncatePrefix: (index, term) => {
      guarded(() => watched.truncating(index, term));
      return log.truncatePrefix(index, term);
    },
    saveSnapshot: async (about, chunks) => {
      const info = await log.saveSnapshot(about, chunks);
      watched.kept(about.index);
      return info;
    },
  });
}
