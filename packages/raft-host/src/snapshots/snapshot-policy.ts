import { checkOptions, type OptionRules, rule } from '@quorate/core';

/** When a group's state is captured, and how much of its log is kept behind it. */
export interface SnapshotPolicyOptions {
  /**
   * A snapshot is taken when so many entries were applied since the last. By default as many as a restart applies again
   * in about a second.
   * @default 100_000
   */
  readonly everyEntries?: number;
  /**
   * A snapshot is taken when the log has grown by so much since the last, in bytes. By default what any disk reads in
   * less than a second, and one file of the log. A state that is larger is only written when the log has grown by as much.
   * @default 67_108_864 (64 MiB)
   */
  readonly everyBytes?: number;
  /**
   * The last entries that are never cut off. By default more than a group commits in the time that a follower takes to
   * reconnect, or to restart without much to apply: it then needs no snapshot.
   * @default 1000
   */
  readonly keepEntries?: number;
  /**
   * The most bytes of the log that are kept for followers that are behind; who is further behind gets a snapshot. By
   * default what goes over a link in about the time in which a snapshot would be prepared.
   * @default 67_108_864 (64 MiB)
   */
  readonly keepBytes?: number;
}

/** When snapshots are taken, with everything said. */
export type SnapshotPolicySettings = Required<SnapshotPolicyOptions>;

/** How a log has grown since the last snapshot. */
export interface LogGrowth {
  /** Entries applied since. */
  readonly entries: number;
  /** Bytes of these. */
  readonly bytes: number;
  /** Of the last snapshot's content, in bytes; 0 when there is none. */
  readonly snapshotSize: number;
  /** Whether the last one is being sent to somebody. A newer one would take its place, and end that. */
  readonly isSending: boolean;
}

/** A log that might be cut. */
export interface LogExtent {
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Of the newest durable snapshot; 0 when there is none. */
  readonly snapshotIndex: number;
  /** For each other member that was heard of lately: the first entry that it may not have. */
  readonly needed: readonly number[];
  /** Bytes of the entries from there to the last one, estimated: never more for a later index. */
  bytesFrom(index: number): number;
}

/** How much longer than otherwise no snapshot is taken while one is being sent. */
const PATIENCE = 8;

const MIB = 1024 * 1024;

/** To be spread among the rules of whoever has these options. */
export const snapshotPolicyRules: OptionRules<SnapshotPolicyOptions> = {
  everyEntries: rule.integer({ min: 1 }),
  everyBytes: rule.integer({ min: 1 }),
  keepEntries: rule.integer({ min: 0 }),
  keepBytes: rule.integer({ min: 0 }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readPolicyOptions(owner: string, options: SnapshotPolicyOptions): SnapshotPolicySettings {
  return {
    everyEntries: 100_000,
    everyBytes: 64 * MIB,
    keepEntries: 1000,
    keepBytes: 64 * MIB,
    ...checkOptions<SnapshotPolicyOptions>(owner, snapshotPolicyRules, options),
  };
}

/**
 * Whether a snapshot is due. A large state is written once the log has grown by as much, so that no more goes to disk for
 * snapshots than for the log (D. Ongaro, "Consensus: Bridging Theory and Practice" (2014), 5.1.2).
 */
export function isSnapshotDue({ everyEntries, everyBytes }: SnapshotPolicySettings, growth: LogGrowth): boolean {
  const { entries, bytes, snapshotSize, isSending } = growth;
  const factor = isSending ? PATIENCE : 1;
  if (snapshotSize > everyBytes && bytes < snapshotSize * factor) return false;
  return entries >= everyEntries * factor || bytes >= everyBytes * factor;
}

/**
 * Up to and including which index the log may be cut; `firstIndex` - 1 where nothing is to go. A follower holds what it
 * needs only as long as the log from there on stays within `keepBytes`: what it can't have whole is of no use to it.
 */
export function cutIndex({ keepEntries, keepBytes }: SnapshotPolicySettings, log: LogExtent): number {
  let cut = Math.min(log.snapshotIndex, log.lastIndex - keepEntries);
  for (const needed of log.needed) {
    if (needed <= cut && needed >= log.firstIndex && log.bytesFrom(needed) <= keepBytes) cut = needed - 1;
  }
  return Math.max(log.firstIndex - 1, cut);
}
