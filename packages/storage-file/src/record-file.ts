import { ClusterError, type Disk, type DiskFile, isClusterError, type Logger } from '@quorate/core';
import { type Damage, decodeCopy, encodeCopy, MAX_COPY_BYTES, type RecordCopy } from './record-copy.ts';
import { DRAFT_SUFFIX, fileNameOf } from './record-path.ts';

/** Where the two copies begin. Far enough apart that no write of one touches a page of the other. */
const COPY_OFFSETS = [0, 17 * 4096] as const;
type CopyIndex = 0 | 1;

/**
 * The file of one record: two copies of one value, replaced in place one after the other, each durable before the next
 * step. Whatever moment a crash hits, one copy is whole and holds the last acknowledged value or the one under way;
 * and an acknowledged value is in both, so that damage to either loses nothing. Both damaged is an error.
 */
export class RecordFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #path: string;
  readonly #name: string;
  readonly #logger: Logger;
  /** What both copies durably hold; undefined until it was loaded or written. */
  #current: RecordCopy | undefined;

  constructor(disk: Disk, directory: string, name: string, logger: Logger) {
    this.#disk = disk;
    this.#directory = directory;
    this.#path = `${directory}/${fileNameOf(name)}`;
    this.#name = name;
    this.#logger = logger;
  }

  /** The last value acknowledged, if it is known already. */
  get value(): Uint8Array | undefined {
    return this.#current?.value;
  }

  /**
   * Reads the file, and makes both copies durable and equal before it tells the value: one that was under way when a
   * process died could vanish after it was seen otherwise.
   * @param mayWrite false: what would have to be written first is refused
   * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format, `IO`
   */
  async load(mayWrite: boolean): Promise<RecordCopy> {
    this.#current ??= await this.#withFile((file) => this.#recover(file, mayWrite));
    return this.#current;
  }

  /** Makes the file, in one step: a crash leaves all of it or nothing. */
  async create(value: Uint8Array): Promise<void> {
    const first = { sequence: 1, value };
    const draft = this.#path + DRAFT_SUFFIX;
    const file = await this.#disk.open(draft, { create: true });
    try {
      for (const index of [0, 1] as const) await this.#put(file, index, first);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(draft, this.#path);
    await this.#disk.syncDirectory(this.#directory);
    this.#current = first;
  }

  /** @throws ClusterError as `load` does, which comes first */
  async replace(value: Uint8Array): Promise<void> {
    const { sequence } = await this.load(true);
    const next = { sequence: sequence + 1, value };
    await this.#withFile((file) => this.#putDurably(file, next, [0, 1]));
    this.#current = next;
  }

  async remove(): Promise<void> {
    await this.#disk.remove(this.#path);
    await this.#disk.syncDirectory(this.#directory);
  }

  async #recover(file: DiskFile, mayWrite: boolean): Promise<RecordCopy> {
    const [first, second] = [await this.#get(file, 0), await this.#get(file, 1)];
    const { copy, rewrite } = this.#choose(first, second);
    if (mayWrite) {
      await this.#putDurably(file, copy, rewrite);
    } else if (!isSame(first, second)) {
      throw new ClusterError('IO', `${this.#path}: its copies differ, and the store no longer writes`);
    }
    return copy;
  }

  /**
   * The newest whole copy, and which to write again, in which order. The order of writes is first, then second: so a
   * newer first copy was under way, may not be durable yet, and is written again while the second still holds the
   * older value. Equal copies: the first is durable, since the second was written after it.
   */
  #choose(first: RecordCopy | Damage, second: RecordCopy | Damage): { copy: RecordCopy; rewrite: CopyIndex[] } {
    this.#refuseNewer(first, second);
    if ('damage' in first) {
      if ('damage' in second) throw this.#corrupt(`${at(0)}: ${first.damage}; ${at(1)}: ${second.damage}`);
      this.#logger.warn(`${this.#path}: the copy ${at(0)} was unfinished or damaged (${first.damage}); restored`);
      return { copy: second, rewrite: [0] };
    }
    if ('damage' in second) {
      this.#logger.warn(`${this.#path}: the copy ${at(1)} was unfinished or damaged (${second.damage}); restored`);
      return { copy: first, rewrite: [1] };
    }
    if (first.sequence === second.sequence && !isSame(first, second)) {
      throw this.#corrupt(`the copies ${at(0)} and ${at(1)} hold two values of one sequence`);
    }
    if (first.sequence < second.sequence) return { copy: second, rewrite: [0] };
    return { copy: first, rewrite: first.sequence > second.sequence ? [0, 1] : [1] };
  }

  /** A later release may hold another view of what the older copy means. */
  #refuseNewer(...copies: readonly (RecordCopy | Damage)[]): void {
    const newer = copies.find((copy): copy is Damage => 'damage' in copy && copy.newer === true);
    if (newer !== undefined) throw new ClusterError('UNSUPPORTED', `${this.#path}: ${newer.damage}`);
  }

  #corrupt(how: string, cause?: unknown): ClusterError {
    return new ClusterError('CORRUPT', `${this.#path}: the record ${this.#name} is damaged: ${how}`, { cause });
  }

  async #get(file: DiskFile, index: CopyIndex): Promise<RecordCopy | Damage> {
    const buffer = new Uint8Array(MAX_COPY_BYTES);
    const length = await file.read(buffer, COPY_OFFSETS[index]);
    return decodeCopy(this.#name, buffer.subarray(0, length));
  }

  #put(file: DiskFile, index: CopyIndex, copy: RecordCopy): Promise<void> {
    return file.write([encodeCopy(this.#name, copy)], COPY_OFFSETS[index]);
  }

  async #putDurably(file: DiskFile, copy: RecordCopy, order: readonly CopyIndex[]): Promise<void> {
    for (const index of order) {
      await this.#put(file, index, copy);
      await file.sync();
    }
  }

  async #withFile<T>(use: (file: DiskFile) => Promise<T>): Promise<T> {
    const file = await this.#open();
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }

  async #open(): Promise<DiskFile> {
    try {
      return await this.#disk.open(this.#path);
    } catch (error) {
      // It was there when the store was opened, and only the store may remove it.
      if (isClusterError(error, 'NOT_FOUND')) throw this.#corrupt('its file is gone', error);
      throw error;
    }
  }
}

function at(index: CopyIndex): string {
  return `at offset ${COPY_OFFSETS[index]}`;
}

function isSame(first: RecordCopy | Damage, second: RecordCopy | Damage): boolean {
  if ('damage' in first || 'damage' in second || first.sequence !== second.sequence) return false;
  return first.value.length === second.value.length && first.value.every((byte, at) => byte === second.value[at]);
}
