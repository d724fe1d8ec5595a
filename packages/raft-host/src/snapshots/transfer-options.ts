import { checkOptions, type OptionRules, rule } from '@quorate/core';

/** How snapshots go from node to node: of all groups of a node together. Nodes may differ. */
export interface SnapshotTransferOptions {
  /**
   * The pace at which this node sends snapshots, all of them together; may be `Infinity`. By default half of what a
   * link of 1 Gbit/s carries: entries and heartbeats share it.
   * @default 67_108_864 (64 MiB)
   */
  readonly snapshotBytesPerSecond?: number;
  /**
   * The most snapshots sent at a time; further ones wait.
   * @default 2
   */
  readonly maxSends?: number;
  /**
   * The most snapshots received at a time; further ones are refused, to be offered again.
   * @default 2
   */
  readonly maxReceives?: number;
  /**
   * For how long a transfer may stand still before it is given up. A broken one that is taken up earlier goes on where
   * it broke. In milliseconds.
   * @default 60_000
   */
  readonly patienceMs?: number;
  /**
   * The largest snapshot that is taken in, in bytes of content.
   * @default 1_099_511_627_776 (1 TiB)
   */
  readonly maxSnapshotBytes?: number;
}

export type TransferSettings = Required<SnapshotTransferOptions>;

const MIB = 1024 * 1024;

/** Of every adapter that lets its users set them; to be spread among its own, or grouped. */
export const snapshotTransferRules: OptionRules<SnapshotTransferOptions> = {
  snapshotBytesPerSecond: rule.value<number>(
    'a number of bytes from 65536, or Infinity',
    (value) => typeof value === 'number' && value >= 64 * 1024,
  ),
  maxSends: rule.integer({ min: 1, max: 64 }),
  maxReceives: rule.integer({ min: 1, max: 64 }),
  patienceMs: rule.duration({ min: 100, max: 24 * 60 * 60 * 1000 }),
  maxSnapshotBytes: rule.integer({ min: 1 }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readTransferOptions(owner: string, options: SnapshotTransferOptions): TransferSettings {
  return {
    snapshotBytesPerSecond: 64 * MIB,
    maxSends: 2,
    maxReceives: 2,
    patienceMs: 60_000,
    maxSnapshotBytes: MIB * MIB,
    ...checkOptions<SnapshotTransferOptions>(owner, snapshotTransferRules, options),
  };
}
