import { ClusterError, type GroupLog, type LogStore, type StorageContext } from '@quorate/core';
import type { FileLogOptions as CheckedOptions } from '../options.ts';
import { FileLog } from './file-log.ts';
import { setAside } from './set-aside.ts';

/** The log of a directory, and another in its place once that was set aside. */
export class FileLogStore implements LogStore {
  /** Undefined where the log is to be left as it is, damaged or not. */
  readonly setAside: ((copy: string | undefined) => Promise<void>) | undefined;
  readonly #context: StorageContext;
  readonly #directory: string;
  readonly #checkHeld: () => void;
  readonly #make: () => FileLog;
  #current: FileLog;
  /** One at a time. */
  #settingAside: Promise<void> = Promise.resolve();
  #disposing: Promise<void> | undefined;

  /** @param checkHeld throws unless the directory is this process's own */
  constructor(
    context: StorageContext,
    directory: string,
    { onDamage, ...options }: Required<CheckedOptions>,
    checkHeld: () => void,
  ) {
    this.#context = context;
    this.#directory = directory;
    this.#checkHeld = checkHeld;
    this.#make = () => new FileLog(context, directory, options, checkHeld);
    this.#current = this.#make();
    this.setAside = onDamage === 'refuse' ? undefined : (copy) => this.#replaceNext(copy);
  }

  open(): Promise<void> {
    return this.#current.open();
  }

  groups(): readonly number[] {
    return this.#current.groups();
  }

  group(id: number): GroupLog {
    return this.#current.group(id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  #replaceNext(copy: string | undefined): Promise<void> {
    const replaced = this.#settingAside.then(() => this.#replace(copy));
    this.#settingAside = replaced.catch(() => undefined);
    return replaced;
  }

  async #replace(copy: string | undefined): Promise<void> {
    this.#checkLives();
    await this.#current[Symbol.asyncDispose]();
    const { disk } = this.#context;
    await disk.makeDirectory(this.#directory);
    await setAside(disk, this.#directory, copy);
    this.#checkLives();
    this.#current = this.#make();
    await this.#current.open();
  }

  async #dispose(): Promise<void> {
    // A log that is opened meanwhile is closed as well.
    await this.#current[Symbol.asyncDispose]();
    await this.#settingAside;
    await this.#current[Symbol.asyncDispose]();
  }

  #checkLives(): void {
    if (this.#disposing !== undefined) throw new ClusterError('CLOSED', `${this.#directory}: the log is not open`);
    this.#checkHeld();
  }
}
