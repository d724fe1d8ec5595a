import type { GroupLog } from '@quorate/core';

/** What a log does when it is written to. */
type LogWrites = Pick<GroupLog, 'append' | 'truncatePrefix' | 'saveSnapshot' | 'remove'>;

/** The same log, but for some of what is done when it is written to. */
export function logAround(log: GroupLog, writes: Partial<LogWrites>): GroupLog {
  return {
    id: log.id,
    get firstIndex() {
      return log.firstIndex;
    },
    get lastIndex() {
      return log.lastIndex;
    },
    get commit() {
      return log.commit;
    },
    get state() {
      return log.state;
    },
    get snapshot() {
      return log.snapshot;
    },
    term: (index) => log.term(index),
    read: (from, maxBytes) => log.read(from, maxBytes),
    readSnapshot: (snapshot, offset, maxBytes) => log.readSnapshot(snapshot, offset, maxBytes),
    append: (batches, beside) => log.append(batches, beside),
    truncatePrefix: (index, term) => log.truncatePrefix(index, term),
    saveSnapshot: (about, chunks) => log.saveSnapshot(about, chunks),
    remove: () => log.remove(),
    ...writes,
  };
}
