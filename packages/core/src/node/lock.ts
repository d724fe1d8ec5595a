import type { DatabaseSync } from 'node:sqlite';
import { ClusterError, toClusterError } from '../cluster-error.ts';
import type { DiskLock } from '../disk.ts';

/** SQLite's code for "another connection holds the lock". */
const SQLITE_BUSY = 5;

/**
 * Locks a file, through SQLite: the kernel drops the lock with the process, and SQLite sees to it that a second
 * holder within the process is refused too, which the kernel's own locks don't.
 * @throws ClusterError `LOCKED`, `IO`
 */
export async function lockFile(path: string): Promise<DiskLock> {
  const database = await openDatabase(path);
  try {
    // The journal in memory: a transaction that is never committed needs no file beside the lock's.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw lockError(error, path);
  }
  return new SqliteLock(database);
}

async function openDatabase(path: string): Promise<DatabaseSync> {
  try {
    // Only who locks pays for loading it.
    const sqlite = await import('node:sqlite');
    return new sqlite.DatabaseSync(path);
  } catch (error) {
    throw lockError(error, path);
  }
}

function lockError(error: unknown, path: string): ClusterError {
  const busy = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
  if (busy) return new ClusterError('LOCKED', `lock ${path}: another holder lives`, { cause: error });
  return toClusterError(error, 'IO', `lock ${path}`);
}

class SqliteLock implements DiskLock {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  release(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
    return Promise.resolve();
  }
}
