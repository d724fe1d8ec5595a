import { decodeBatch, encodeBatch, type GroupLog, type LogStore, type Random, type Storage } from '@quorate/core';
import { oneOf } from './mutations.ts';

const RECORDS = ['vote', 'node', 'slots'];
const GROUPS = [1, 2];
const MAX_VALUE_BYTES = 6000;
const MAX_ENTRY_BYTES = 3000;
const READ_BYTES = 20_000;

/** What was written to a storage, step by step: all that may ever be read from it. */
export class StoredHistory {
  /** The last value of each record. */
  readonly records = new Map<string, string>();
  /** All content that the log has had, the last one last. */
  readonly contents: string[] = [];
  readonly #random: Random;
  readonly #storage: Storage;
  readonly #log: LogStore;
  #term = 1;

  constructor(random: Random, storage: Storage, log: LogStore) {
    this.#random = random;
    this.#storage = storage;
    this.#log = log;
  }

  async write(steps: number): Promise<void> {
    this.contents.push(await contentOf(this.#log));
    for (let step = 0; step < steps; step += 1) {
      if (this.#random.int(3) === 0) await this.#writeRecord(step);
      else await this.#change(this.#log.group(oneOf(this.#random, GROUPS)));
      this.contents.push(await contentOf(this.#log));
    }
  }

  async #writeRecord(step: number): Promise<void> {
    const name = oneOf(this.#random, RECORDS);
    const value = `${name} ${step} ${'x'.repeat(this.#random.int(MAX_VALUE_BYTES))}`;
    await this.#storage.records.write(name, new TextEncoder().encode(value));
    this.records.set(name, value);
  }

  async #change(group: GroupLog): Promise<void> {
    const random = this.#random;
    const { firstIndex, lastIndex } = group;
    switch (random.int(8)) {
      case 0:
        await group.append([], { state: random.bytes(1 + random.int(30)) });
        return;
      case 1:
        if (lastIndex >= firstIndex) await this.#snapshot(group, firstIndex + random.int(lastIndex - firstIndex + 1));
        return;
      case 2:
        this.#term += 1;
        await this.#append(group, Math.max(firstIndex, lastIndex - random.int(3)));
        return;
      default:
        await this.#append(group, lastIndex + 1);
    }
  }

  async #append(group: GroupLog, from: number): Promise<void> {
    const entries = Array.from({ length: 1 + this.#random.int(4) }, (_, at) => ({
      index: from + at,
      term: this.#term,
      kind: 0,
      data: this.#random.bytes(this.#random.int(MAX_ENTRY_BYTES)),
    }));
    await group.append([encodeBatch(entries)], { commit: Math.max(0, from - 1) });
  }

  async #snapshot(group: GroupLog, index: number): Promise<void> {
    const term = group.term(index);
    if (term === undefined || index <= (group.snapshot?.index ?? 0)) return;
    const content = this.#random.bytes(this.#random.int(30_000));
    await group.saveSnapshot({ index, term, metadata: new Uint8Array(3) }, chunksOf(content));
    if (this.#random.int(2) === 0) await group.truncatePrefix(index, term);
  }
}

/** All that a log tells, as text. */
export async function contentOf(log: LogStore): Promise<string> {
  const groups: unknown[] = [];
  for (const id of log.groups()) {
    const group = log.group(id);
    const { state, firstIndex, lastIndex, snapshot } = group;
    const entries = await entriesOf(group);
    const bytes = snapshot === undefined ? undefined : await group.readSnapshot(snapshot, 0, snapshot.size + 1);
    groups.push({ id, state, firstIndex, lastIndex, entries, snapshot: snapshot?.index, bytes });
  }
  return JSON.stringify(groups, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value));
}

async function entriesOf(group: GroupLog): Promise<unknown[]> {
  const entries: unknown[] = [];
  for (let next = group.firstIndex; next <= group.lastIndex;) {
    for (const batch of await group.read(next, READ_BYTES)) {
      for (const { index, term, data } of decodeBatch(batch)) entries.push([index, term, data]);
      next = batch.firstIndex + batch.count;
    }
  }
  return entries;
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
