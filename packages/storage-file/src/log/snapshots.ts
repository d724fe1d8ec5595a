import {
  ClusterError,
  type Crc32,
  type Disk,
  type DiskFile,
  type Logger,
  MAX_SNAPSHOT_METADATA_BYTES,
  type SnapshotAbout,
  type SnapshotInfo,
  toClusterError,
} from '@quorate/core';
import {
  blockOffset,
  encodeSnapshotHeader,
  readSnapshotHeader,
  SNAPSHOT_BLOCK_BYTES,
  snapshotFileName,
  SnapshotBlocks,
  snapshotName,
} from './snapshot-format.ts';

const DRAFT_SUFFIX = '.draft';

interface StoredSnapshot {
  readonly path: string;
  readonly info: SnapshotInfo;
  readonly contentOffset: number;
}

/** The snapshots of all groups: for each the newest, in a file that came into being whole. */
export class Snapshots {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #crc32: Crc32;
  readonly #logger: Logger;
  readonly #newest = new Map<number, StoredSnapshot>();
  /** By group, what is put in its place or removed last: one after the other, so that the newest stays. */
  readonly #placing = new Map<number, Promise<void>>();
  /** Names each draft: two of one snapshot may be written at one time. */
  #drafts = 0;
  /** Of a sync that failed: no further snapshot is kept. */
  #failure: ClusterError | undefined;

  constructor(disk: Disk, directory: string, crc32: Crc32, logger: Logger) {
    this.#disk = disk;
    this.#directory = directory;
    this.#crc32 = crc32;
    this.#logger = logger;
  }

  newest(group: number): SnapshotInfo | undefined {
    return this.#newest.get(group)?.info;
  }

  /**
   * Finds the newest of each of these groups. Others are leftovers of a crash, and removed.
   * @throws ClusterError `CORRUPT`, `UNSUPPORTED`, `IO`
   */
  async open(groups: ReadonlySet<number>): Promise<void> {
    const found = new Map<number, string>();
    for (const name of await this.#disk.list(this.#directory)) {
      const named = snapshotName(name);
      if (named === undefined) continue;
      const newer = found.get(named.group);
      // In the order of their indexes: the one before is older.
      if (newer !== undefined) await this.#disk.remove(`${this.#directory}/${newer}`);
      found.set(named.group, name);
    }
    for (const [group, name] of found) {
      if (groups.has(group)) await this.#load(group, name);
      else await this.#disk.remove(`${this.#directory}/${name}`);
    }
    await this.#syncing(() => this.#disk.syncDirectory(this.#directory));
  }

  /**
   * Several of a group may be written at one time, a node's own and one that its leader sends: the one that is whole while a
   * newer one is there is dropped.
   */
  async save(group: number, about: SnapshotAbout, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    this.#check(group, about);
    const draft = await this.#write(group, about, chunks);
    return this.#inTurn(group, () => this.#put(group, draft));
  }

  async read(group: number, snapshot: SnapshotInfo, offset: number, maxBytes: number): Promise<Uint8Array> {
    const stored = this.#newest.get(group);
    if (stored?.info.index !== snapshot.index || stored.info.term !== snapshot.term) {
      throw new ClusterError('NOT_FOUND', `group ${group}: snapshot ${snapshot.index} is not there any more`);
    }
    const end = Math.min(stored.info.size, offset + maxBytes);
    if (offset < 0 || offset >= end) return new Uint8Array(0);
    const file = await this.#disk.open(stored.path);
    try {
      return await this.#readRange(stored, file, offset, end);
    } finally {
      await file.close();
    }
  }

  remove(group: number): Promise<void> {
    return this.#inTurn(group, () => this.#remove(group));
  }

  async #remove(group: number): Promise<void> {
    const stored = this.#newest.get(group);
    if (stored === undefined) return;
    this.#newest.delete(group);
    await this.#disk.remove(stored.path);
    // Otherwise it could come back, as the snapshot of a new group with this id.
    await this.#syncing(() => this.#disk.syncDirectory(this.#directory));
  }

  async #load(group: number, name: string): Promise<void> {
    const path = `${this.#directory}/${name}`;
    const file = await this.#disk.open(path);
    try {
      this.#newest.set(group, { path, ...(await readSnapshotHeader(path, file, this.#crc32)) });
    } finally {
      await file.close();
    }
  }

  #check(group: number, { index, metadata }: SnapshotAbout): void {
    const cause = this.#failure;
    if (cause !== undefined) {
      throw new ClusterError('IO', `${this.#directory}: no snapshot is kept since a sync failed`, {
        cause,
        outcome: 'not-applied',
      });
    }
    if (metadata.length > MAX_SNAPSHOT_METADATA_BYTES) {
      throw new ClusterError('OVERLOADED', `metadata of ${metadata.length} bytes: too many for a snapshot`);
    }
    const newest = this.newest(group)?.index ?? 0;
    if (!Number.isSafeInteger(index) || index <= newest) {
      throw new ClusterError('INVALID_OPTIONS', `group ${group}: snapshot ${index} is not newer than ${newest}`);
    }
  }

  /** All of it, durable, under a name of its own. */
  async #write(group: number, about: SnapshotAbout, chunks: AsyncIterable<Uint8Array>): Promise<StoredSnapshot> {
    this.#drafts += 1;
    const path = `${this.#directory}/${snapshotFileName(group, about.index)}.${this.#drafts}${DRAFT_SUFFIX}`;
    const metadata = about.metadata.slice();
    const contentOffset = blockOffset(metadata.length);
    // One that could not be removed would leave its end in this.
    await this.#disk.remove(path);
    const file = await this.#disk.open(path, { create: true });
    let info: SnapshotInfo;
    try {
      const size = await this.#writeContent(file, contentOffset, chunks);
      info = { index: about.index, term: about.term, metadata, size };
      await file.write([encodeSnapshotHeader(group, info, this.#crc32)], 0);
      await this.#syncing(() => file.sync());
    } catch (error) {
      await file.close();
      await this.#forget(path);
      throw error;
    }
    await file.close();
    return { path, info, contentOffset };
  }

  /** Makes a draft the group's snapshot, unless a newer one has come into being while it was written. */
  async #put(group: number, draft: StoredSnapshot): Promise<SnapshotInfo> {
    const { info } = draft;
    const path = `${this.#directory}/${snapshotFileName(group, info.index)}`;
    try {
      this.#check(group, info);
    } catch (error) {
      await this.#forget(draft.path);
      throw error;
    }
    await this.#disk.rename(draft.path, path);
    await this.#syncing(() => this.#disk.syncDirectory(this.#directory));
    const older = this.#newest.get(group);
    this.#newest.set(group, { ...draft, path });
    if (older !== undefined) await this.#forget(older.path);
    return info;
  }

  async #inTurn<T>(group: number, act: () => Promise<T>): Promise<T> {
    const done = (this.#placing.get(group) ?? Promise.resolve()).then(act);
    const settled = done.then(
      () => undefined,
      () => undefined,
    );
    this.#placing.set(group, settled);
    try {
      return await done;
    } finally {
      if (this.#placing.get(group) === settled) this.#placing.delete(group);
    }
  }

  async #writeContent(file: DiskFile, begin: number, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const blocks = new SnapshotBlocks(this.#crc32);
    let at = begin;
    let size = 0;
    const write = async (block: readonly Uint8Array[] | undefined): Promise<void> => {
      if (block === undefined) return;
      await file.write(block, at);
      for (const { length } of block) at += length;
    };
    for await (const chunk of chunks) {
      size += chunk.length;
      for (const block of blocks.add(chunk)) await write(block);
    }
    await write(blocks.last());
    return size;
  }

  async #readRange({ path, info, contentOffset }: StoredSnapshot, file: DiskFile, offset: number, end: number) {
    const result = new Uint8Array(end - offset);
    for (let at = offset - (offset % SNAPSHOT_BLOCK_BYTES); at < end; at += SNAPSHOT_BLOCK_BYTES) {
      const length = Math.min(SNAPSHOT_BLOCK_BYTES, info.size - at);
      const position = contentOffset + (at / SNAPSHOT_BLOCK_BYTES) * (SNAPSHOT_BLOCK_BYTES + 4);
      const block = new Uint8Array(4 + length);
      await file.read(block, position);
      const content = block.subarray(4);
      if (new DataView(block.buffer).getUint32(0) !== this.#crc32(content)) {
        throw new ClusterError('CORRUPT', `${path}: at offset ${position}: a block of the snapshot is damaged`);
      }
      const from = Math.max(offset, at);
      result.set(content.subarray(from - at, Math.min(end - at, length)), from - offset);
    }
    return result;
  }

  async #forget(path: string): Promise<void> {
    try {
      await this.#disk.remove(path);
    } catch (error) {
      this.#logger.warn(`${path}: could not be removed; the next opening will`, error);
    }
  }

  async #syncing(sync: () => Promise<void>): Promise<void> {
    try {
      await sync();
    } catch (error) {
      this.#failure = toClusterError(error, 'IO', this.#directory);
      throw error;
    }
  }
}
