import type { ClusterError, RecordStore } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { DurableVote } from '../src/durable-vote.ts';
import { decodeVoteRecord, type VoteRecord } from '../src/vote-record.ts';

const record = (term: number): VoteRecord => ({
  term,
  votedFor: 'a',
  electorate: { generation: 1, voters: ['a'] },
  promiseMs: 150,
});

/** Finishes a write when it is told to. */
class HeldRecords implements RecordStore {
  readonly terms: number[] = [];
  readonly #pending: { resolve(): void; reject(error: Error): void }[] = [];

  write(_name: string, bytes: Uint8Array): Promise<void> {
    this.terms.push(decodeVoteRecord(bytes).term);
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
  }

  async finish(failure?: Error): Promise<void> {
    const pending = this.#pending.shift();
    if (failure === undefined) pending?.resolve();
    else pending?.reject(failure);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }

  read = (): Promise<undefined> => Promise.resolve(undefined);
  remove = (): Promise<void> => Promise.resolve();
  names = (): Promise<readonly string[]> => Promise.resolve([]);
}

function open(): { records: HeldRecords; vote: DurableVote; durable: number[]; failures: ClusterError[] } {
  const records = new HeldRecords();
  const durable: number[] = [];
  const failures: ClusterError[] = [];
  const vote = new DurableVote(
    records,
    (version) => durable.push(version),
    (error) => failures.push(error),
  );
  return { records, vote, durable, failures };
}

describe('the record on its way to the disk', () => {
  it('queues no more than the newest version behind the write under way', async () => {
    const { records, vote, durable } = open();
    for (let version = 1; version <= 1000; version += 1) vote.write(version, record(version));
    expect(records.terms).toEqual([1]);
    await records.finish();
    expect(durable).toEqual([1]);
    expect(records.terms).toEqual([1, 1000]);
    await records.finish();
    expect(durable).toEqual([1, 1000]);
    vote.write(1000, record(1000));
    expect(records.terms).toEqual([1, 1000]);
    vote.write(1001, record(1001));
    expect(records.terms).toEqual([1, 1000, 1001]);
    expect(vote.version).toBe(1000);
  });

  it('is written no more after a failure', async () => {
    const { records, vote, durable, failures } = open();
    vote.write(1, record(1));
    vote.write(2, record(2));
    await records.finish(new Error('the disk is gone'));
    vote.write(3, record(3));
    expect(records.terms).toEqual([1]);
    expect(durable).toEqual([]);
    expect(failures.map(({ code }) => code)).toEqual(['IO']);
  });
});
