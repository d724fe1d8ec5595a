import { decodeConfChange } from '../../src/conf-change-codec.ts';
import { MemoryRaftStorage } from '../../src/memory-raft-storage.ts';
import type { RaftConfig } from '../../src/raft-config.ts';
import { RaftNode } from '../../src/raft-node.ts';
import type { ConfState, Entry, HardState, Message, Snapshot } from '../../src/types.ts';
import { TranscriptError } from './data-driven.ts';
import { isEmptyHardState, isEmptySnapshot } from './describe.ts';

/** A node, its log, the work that its log and state machine still have to do, and all its past states. */
export class Member {
  readonly id: number;
  readonly node: RaftNode;
  readonly storage: SnapshottingStorage;
  readonly asyncStorageWrites: boolean;
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];

  /** Starts from a snapshot; an empty one stands for nothing at all. */
  constructor(config: Omit<RaftConfig, 'storage'>, snapshot: Snapshot) {
    this.id = config.id;
    this.asyncStorageWrites = config.asyncStorageWrites ?? false;
    this.storage = new SnapshottingStorage(snapshot);
    this.node = new RaftNode({ ...config, storage: this.storage });
  }

  /** Makes durable, all at once. */
  append(hardState: HardState | undefined, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    if (hardState && !isEmptyHardState(hardState)) this.storage.setHardState(hardState);
    if (!snapshot || isEmptySnapshot(snapshot)) return this.storage.append(entries);
    if (entries.length > 0) throw new TranscriptError('a snapshot and entries are to be appended at once');
    this.storage.applySnapshot(snapshot);
  }

  /** The state machine: it appends whatever it is given, and every state is kept as a snapshot. */
  apply(entries: readonly Entry[]): void {
    for (const { type, index, term, data } of entries) {
      if (type === 'normal') this.storage.take(index, term, data);
      else {
        const change = decodeConfChange({ type, data });
        this.storage.take(index, term, change.context ?? new Uint8Array(), this.node.applyConfChange(change, index));
      }
    }
  }
}

/** A log in memory that offers the state machine's present state whenever a snapshot is asked for. */
class SnapshottingStorage extends MemoryRaftStorage {
  #latest: Snapshot;

  constructor(start: Snapshot) {
    super();
    this.#latest = start;
    if (!isEmptySnapshot(start)) this.applySnapshot(start);
  }

  override snapshot(): Snapshot {
    return this.#latest;
  }

  take(index: number, term: number, data: Uint8Array, confState?: ConfState): void {
    const before = this.#latest;
    this.#latest = {
      metadata: { index, term, confState: confState ?? before.metadata.confState },
      data: Uint8Array.from([...before.data, ...data]),
    };
  }
}
