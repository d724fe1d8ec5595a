import {
  decodeBatch,
  encodeBatch,
  type GroupLog,
  type LogBatch,
  type LogEntry,
  type LogStore,
  type Plugin,
  type Storage,
  type System,
} from '@quorate/core';

import { expectDefined, expectEqual } from './expectations.ts';
import { StorageFixture } from './storage-fixture.ts';
import type { Harness } from './suite.ts';
import type { Machine, TestBed } from './test-bed.ts';

/** How to test the log of a storage. */
export interface LogStoreHarness<M = unknown> extends Harness {
  /** What `supports` of the storage says. */
  readonly supports: Storage['supports'];
  /** Makes, for one case, what the log is kept in and what outlives a process. The machine's disk needs nothing. */
  readonly medium?: (system: System) => M | Promise<M>;
  /** The adapter, on that medium; called for each process that uses it. */
  readonly create: (medium: M) => Plugin<Storage, 'storage'>;
}

/** The storage of one node with its log, both open, and what they lie on. */
export class LogStoreFixture<M> implements AsyncDisposable {
  readonly #kept: StorageFixture<M>;
  #group: GroupLog | undefined;

  private constructor(kept: StorageFixture<M>) {
    this.#kept = kept;
  }

  static async open<M>(harness: LogStoreHarness<M>, bed: TestBed): Promise<LogStoreFixture<M>> {
    const fixture = new LogStoreFixture(await StorageFixture.open(harness, bed));
    await fixture.#openLog();
    return fixture;
  }

  get machine(): Machine {
    return this.#kept.machine;
  }

  get storage(): Storage {
    return this.#kept.storage;
  }

  get log(): LogStore {
    return expectDefined(this.storage.log, 'a storage with a log');
  }

  /** That of group 1, also when the log was disposed of. */
  get group(): GroupLog {
    return expectDefined(this.#group, 'the log of a group');
  }

  /** Another instance on the same medium, not open yet. */
  another(): Storage {
    return this.#kept.another();
  }

  /** What the next process finds, after this one closed in order. */
  async reopen(): Promise<void> {
    await this.#kept.reopen();
    await this.#openLog();
  }

  /** What the next process finds after the power failed. */
  async crash(): Promise<void> {
    await this.#kept.crash();
    await this.#openLog();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept[Symbol.asyncDispose]();
  }

  async #openLog(): Promise<void> {
    await this.log.open();
    this.#group = this.log.group(1);
  }
}

/** Entries whose data tell which they are. */
export function entries(first: number, count: number, term: number, dataBytes = 10): LogEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const data = new Uint8Array(dataBytes).fill((first + at) * 7 + term);
    return { index: first + at, term, kind: (first + at) % 3, data };
  });
}

export function batch(first: number, count: number, term: number, dataBytes?: number): LogBatch {
  return encodeBatch(entries(first, count, term, dataBytes));
}

export async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Reads all of it, in small pieces. */
async function readAll(group: GroupLog, maxBytes = 100): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  for (let next = group.firstIndex; next <= group.lastIndex;) {
    const batches = await group.read(next, maxBytes);
    expectEqual(batches[0]?.firstIndex, next, 'the first index read');
    for (const each of batches) found.push(...decodeBatch(each));
    next = (found.at(-1)?.index ?? group.lastIndex) + 1;
  }
  return found;
}

/** Compares the range, every term, and all entries. */
export async function expectEntries(group: GroupLog, base: number, expected: readonly LogEntry[]): Promise<void> {
  expectEqual([group.firstIndex, group.lastIndex], [base + 1, base + expected.length], 'first and last index');
  expectEqual(await readAll(group), expected, 'the entries');
  for (const { index, term } of expected) expectEqual(group.term(index), term, `the term of ${index}`);
  expectEqual(group.term(group.lastIndex + 1), undefined, 'the term of what is not there yet');
}
