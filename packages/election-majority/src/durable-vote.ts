import { type RecordStore, toClusterError, type ClusterError } from '@quorate/core';
import { decodeVoteRecord, encodeVoteRecord, VOTE_RECORD, type VoteRecord } from './vote-record.ts';

/** The vote record on its way to the disk: which version has been handed over, and which is there. */
export class DurableVote {
  /** Undefined: votes are kept in memory only. */
  readonly #records: RecordStore | undefined;
  #written = 0;
  #durable = 0;

  constructor(records: RecordStore | undefined) {
    this.#records = records;
  }

  /** The version that is known to be durable. */
  get version(): number {
    return this.#durable;
  }

  async read(): Promise<VoteRecord | undefined> {
    const bytes = await this.#records?.read(VOTE_RECORD);
    return bytes === undefined ? undefined : decodeVoteRecord(bytes);
  }

  /** Before anything else is written. */
  async initialize(record: VoteRecord): Promise<void> {
    await this.#records?.write(VOTE_RECORD, encodeVoteRecord(record));
  }

  /** Writes a version that was not written yet, and calls back when it is durable, in the order of versions. */
  write(
    version: number,
    record: VoteRecord,
    done: (version: number) => void,
    failed: (error: ClusterError) => void,
  ): void {
    if (version <= this.#written) return;
    this.#written = version;
    const stored = this.#records?.write(VOTE_RECORD, encodeVoteRecord(record)) ?? Promise.resolve();
    stored.then(
      () => {
        this.#durable = Math.max(this.#durable, version);
        done(version);
      },
      (error: unknown) => failed(toClusterError(error, 'IO', 'the vote could not be stored')),
    );
  }
}
