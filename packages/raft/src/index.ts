/**
 * Raft as a pure state machine: no promise, no timer, no I/O and no chance of its own. It is told what happened (a
 * message, a tick, a finished write) and says what to do; a caller with a disk, a network and a clock does it.
 *
 * The caller's duties:
 *
 * 1. **Tick.** Call `tick()` at a steady pace; `electionTicks` and `heartbeatTicks` count these.
 * 2. **Deliver.** Hand every message of a peer to `step(message)`. Messages may be lost, repeated and reordered.
 * 3. **Ask.** After any call, while `hasReady()`, take `ready()` and do what it says. It says everything once.
 * 4. **Write**, in this order: a `snapshot` (it replaces the whole log), then `hardState` and `entries` (they replace
 *    what is there from the first one's index on). A snapshot, and anything with `mustSync`, is on disk, not on its way
 *    there, before it counts as written. A write that failed must not be tried again: stop the group.
 * 5. **Send** `messages`: without asynchronous writes after writing, never before. If one could not be sent, tell
 *    `reportUnreachable`; for a snapshot always tell `reportSnapshot`, or its receiver is sent nothing more.
 * 6. **Apply** `committedEntries` in order, skipping those at or below the index the state machine is at: a snapshot may
 *    have overtaken them. For each entry with a type other than 'normal' call
 *    `applyConfChange(decodeConfChange(entry), entry.index)`. Entries without data are the algorithm's own: skip them.
 * 7. **Advance.** Without asynchronous writes call `advance()` once all this is done; then go back to 3.
 * 8. **Answer reads**: a read asked for by `readIndex(context)` may be answered from the state machine as soon as it has
 *    applied up to the `index` that `readStates` gives with the same `context`. If none comes, ask again.
 * 9. **Compact**: take a snapshot of the state machine now and then, with the configuration that `applyConfChange`
 *    returned last, then cut the log before it. After a change that adds a member to a group whose log was cut, take one
 *    that knows this member.
 *
 * Where `storage.entries` answers 'later', the caller loads them, then calls `entriesLoaded()` and goes on with 3.
 *
 * With `asyncStorageWrites` the leader sends entries while its own disk still writes them. Then 4 and 6 are asked for
 * by messages in `ready().messages`, and 7 falls away: a `StorageAppend` to `LOCAL_APPEND_THREAD` asks for its `term`,
 * `vote` and `commit` (if `term` is not 0), `entries` and `snapshot` to be written; a `StorageApply` to
 * `LOCAL_APPLY_THREAD` for its `entries` to be applied. Each kind is done in order, and when one is done, and on disk,
 * its `responses` are delivered: those to this node by `step`, the others by the network. All other messages go out at
 * once. A crash loses what was not written together with its responses.
 *
 * A `RaftError` or an exception of the storage leaves the node unusable: stop the group and tell its operator.
 *
 * Sources: D. Ongaro, J. Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014); D. Ongaro,
 * "Consensus: Bridging Theory and Practice" (2014): 3.10 transfer of leadership, 4 membership, 6.4 reads, 9.6
 * pre-vote, 10.2.1 writing to the leader's disk in parallel.
 *
 * @packageDocumentation
 */
export type { LeaseConfig } from './lease.ts';
export type { RaftConfig, RaftRandom } from './raft-config.ts';
export { RaftError, type RaftErrorCode } from './raft-error.ts';
export { RaftNode } from './raft-node.ts';
export type { StepResult } from './raft-state.ts';
export { MemoryRaftStorage } from './memory-raft-storage.ts';
export type { ProgressState } from './progress.ts';
export type { BasicStatus, ProgressStatus, Status } from './status.ts';
export type { RaftStorage } from './storage.ts';
export {
  asV2,
  type ConfChange,
  ConfChangeError,
  type ConfChangeErrorCode,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfChangeV1,
  type ConfChangeV2,
  nextConfig,
} from './conf-change.ts';
export { decodeConfChange, encodeConfChange } from './conf-change-codec.ts';
export { fromConfState, toConfState, type TrackerConfig } from './tracker-config.ts';
export {
  type ConfState,
  type Entry,
  type EntryType,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type MessageType,
  NONE,
  type ReadState,
  type Ready,
  type Role,
  type Snapshot,
  type SnapshotMetadata,
  type SoftState,
} from './types.ts';
