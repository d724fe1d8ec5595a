import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Disk, DiskFile, DiskLock, DiskOpenOptions } from '../disk.ts';
import { attempt } from './disk-error.ts';
import { DurableWriter } from './durable-writer.ts';
import { openFile } from './file.ts';
import { lockFile } from './lock.ts';

/** What a node stores is for its own user's eyes. */
const DIRECTORY_MODE = 0o700;

/** The file system of the operating system. */
export class FileDisk implements Disk {
  /** Held here too, so that a lock whose owner forgot it isn't collected, and so released. */
  readonly #locks = new Set<DiskLock>();
  /** Its thread begins with the first call. */
  readonly #writer = new DurableWriter();

  open(path: string, options: DiskOpenOptions = {}): Promise<DiskFile> {
    return openFile(path, options, this.#writer);
  }

  rename(from: string, to: string): Promise<void> {
    return attempt(`rename ${from} to ${to}`, () => fs.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return attempt(`remove ${path}`, () => fs.rm(path, { force: true }));
  }

  async makeDirectory(path: string): Promise<void> {
    await attempt(`make directory ${path}`, () => makeDirectory(path));
  }

  async list(path: string): Promise<readonly string[]> {
    const names = await attempt(`list ${path}`, () => fs.readdir(path));
    return names.sort();
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows can't sync a directory; NTFS keeps names in a journal of its own.
    if (process.platform === 'win32') return;
    await attempt(`sync directory ${path}`, async () => {
      const directory = await fs.open(path, 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    });
  }

  async lock(path: string): Promise<DiskLock> {
    const lock = await lockFile(path);
    this.#locks.add(lock);
    return {
      release: () => {
        this.#locks.delete(lock);
        return lock.release();
      },
    };
  }
}

/** With all above it. The recursive call of Node.js never ends where a file system has none made, as that of processes. */
async function makeDirectory(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  try {
    await fs.mkdir(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!(await isDirectory(path))) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return await fs.stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
