import { type RecordStore, toClusterError, type ClusterError } from '@quorate/core';
import { decodeVoteRecord, encodeVoteRecord, VOTE_RECORD, type VoteRecord } from './vote-record.ts';

interface PendingWrite {
  readonly version: number;
  readonly record: VoteRecord;
}

/** The vote record on its way to the disk: which version has been handed over, and which is there. */
export class DurableVote {
  /** Undefined: votes are kept in memory only. */
  readonly #records: RecordStore | undefined;
  readonly #onDurable: (version: number) => void;
  readonly #onFailure: (error: ClusterError) => void;
  #durable = 0;
  /** The latest version handed over. */
  #handedOver = 0;
  /** What to write next. A version that another one overtook while the disk was busy needs no write of its own. */
  #next: PendingWrite | undefined;
  #isWriting = false;

  /** @param onDurable called with each version that was written, in their order; all before it are durable too */
  constructor(
    records: RecordStore | undefined,
    onDurable: (version: number) => void,
    onFailure: (error: ClusterError) => void,
  ) {
    this.#records = records;
    this.#onDurable = onDurable;
    this.#onFailure = onFailure;
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

  /** Writes a version unless it was handed over already. */
  write(version: number, record: VoteRecord): void {
    if (version <= this.#handedOver) return;
    this.#handedOver = version;
    this.#next = { version, record };
    if (!this.#isWriting) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await this.#records?.write(VOTE_RECORD, encodeVoteRecord(next.record));
      } catch (error) {
        // Still "writing": after a failure nothing more is written.
        this.#onFailure(toClusterError(error, 'IO', 'the vote could not be stored'));
        return;
      }
      this.#durable = next.version;
      this.#onDurable(next.version);
    }
    this.#isWriting = false;
  }

  #take(): PendingWrite | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}
