import { ClusterError, type Disk } from '@quorate/core';
import { segmentNumber } from './segment.ts';
import { snapshotName } from './snapshot-format.ts';

const SUFFIX = '.damaged';
const COPY_NAME = /^[A-Za-z0-9]{1,64}$/u;

/** Whether a file was put out of the log's way. */
export function isSetAside(fileName: string): boolean {
  return fileName.endsWith(SUFFIX);
}

/**
 * Takes all files of a log, which nobody has open, out of its directory's use: renames them, or with no name for the copy
 * removes them. What an interrupted call of the same name left is gone on with.
 *
 * Segments go from the oldest on, and snapshots last: what is left in between is a log that lacks its beginning, which is
 * damage, or never one that lacks its end, which nothing could tell.
 * @throws ClusterError `INVALID_OPTIONS` for a copy's name that can't be part of a file's; `IO`
 */
export async function setAside(disk: Disk, directory: string, copy: string | undefined): Promise<void> {
  if (copy !== undefined && !COPY_NAME.test(copy)) {
    throw new ClusterError('INVALID_OPTIONS', `a copy can't be named ${JSON.stringify(copy)}`);
  }
  const names = await disk.list(directory);
  const segments = names.filter((name) => segmentNumber(name) !== undefined);
  const snapshots = names.filter((name) => snapshotName(name) !== undefined);
  for (const name of [...segments, ...snapshots]) {
    const path = `${directory}/${name}`;
    if (copy === undefined) await disk.remove(path);
    else await disk.rename(path, `${path}.${copy}${SUFFIX}`);
    // Each before the next, so that their order outlasts a crash.
    await disk.syncDirectory(directory);
  }
  if (copy !== undefined) await removeOthers(disk, directory, copy);
}

/** The copies of earlier times, once this one is there. */
async function removeOthers(disk: Disk, directory: string, copy: string): Promise<void> {
  const copies = (await disk.list(directory)).filter(isSetAside);
  const others = copies.filter((name) => !name.endsWith(`.${copy}${SUFFIX}`));
  if (others.length === copies.length) return;
  for (const name of others) await disk.remove(`${directory}/${name}`);
  await disk.syncDirectory(directory);
}
