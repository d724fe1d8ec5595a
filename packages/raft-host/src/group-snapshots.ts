import {
  type Clock,
  isClusterError,
  type Logger,
  type SnapshotAbout,
  type SnapshotInfo,
  type SnapshotSource,
  toClusterError,
} from '@quorate/core';
import type { Entry } from '@quorate/raft';
import type { SnapshotInstruments } from './group-instruments.ts';
import type { CheckedLog } from './repair/checked-log.ts';
import { LogMending } from './repair/log-mending.ts';
import { encodeSnapshotMembers, type SnapshotMembers } from './members.ts';
import { cutIndex, isSnapshotDue, type SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';

/** What is captured, and up to where in the log it goes. */
export interface Capture {
  readonly index: number;
  readonly term: number;
  readonly members: SnapshotMembers;
  readonly source: SnapshotSource;
}

/** A group whose machine is captured. */
export interface CapturedGroup {
  /** The last entry that the machine has applied. */
  readonly applied: number;
  /** For each other member that was heard of: the first entry that it may not have. */
  readonly neededByOthers: readonly number[];
  /** Whether the snapshot that there is is being sent. */
  readonly isSendingSnapshot: boolean;
  /** The state as it is now. */
  capture(): Capture;
  /** Has something committed, so that there is something new to be taken. */
  advance(): void;
}

/** Takes snapshots of a group when they are due, and cuts the log behind them. */
export class GroupSnapshots {
  readonly #log: CheckedLog;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #instruments: SnapshotInstruments;
  readonly #policy: SnapshotPolicySettings;
  readonly #group: CapturedGroup;
  /** Undefined until anything is found damaged. */
  #mending: LogMending | undefined;
  /** From where on somebody beside the members needs the log. */
  #holds: Set<() => number> | undefined;
  #entries = 0;
  #bytes = 0;
  #taking: Promise<SnapshotInfo> | undefined;
  #isOver = false;

  constructor(
    group: CapturedGroup,
    parts: {
      readonly log: CheckedLog;
      readonly logger: Logger;
      readonly clock: Clock;
      readonly policy: SnapshotPolicySettings;
      readonly instruments: SnapshotInstruments;
    },
  ) {
    this.#group = group;
    this.#log = parts.log;
    this.#logger = parts.logger;
    this.#policy = parts.policy;
    this.#clock = parts.clock;
    this.#instruments = parts.instruments;
  }

  /** Of what is found damaged. */
  get mending(): LogMending {
    return (this.#mending ??= new LogMending({
      log: this.#log,
      logger: this.#logger,
      applied: () => this.#group.applied,
      takeSnapshot: () => this.take(),
      advance: () => this.#group.advance(),
    }));
  }

  /** These have been handed over for applying. */
  growing(entries: readonly Entry[]): void {
    this.#entries += entries.length;
    for (const { data } of entries) this.#bytes += data.length;
  }

  /** The machine has applied something: a snapshot may be due. */
  applied(): void {
    if (this.#taking !== undefined || this.#isOver) return;
    const growth = {
      entries: this.#entries,
      bytes: this.#bytes,
      snapshotSize: this.#log.snapshot?.size ?? 0,
      isSending: this.#group.isSendingSnapshot,
    };
    if (isSnapshotDue(this.#policy, growth)) this.take().catch((error: unknown) => this.#failed(error));
  }

  /**
   * Takes one now, or waits for the one that is being taken.
   * @throws ClusterError `IO`; what the machine throws
   */
  take(): Promise<SnapshotInfo> {
    this.#taking ??= this.#take().finally(() => (this.#taking = undefined));
    return this.#taking;
  }

  /**
   * The state as it is now.
   * @throws what the machine throws, or has stopped with
   */
  capture(): Capture {
    return this.#group.capture();
  }

  /** Keeps the log from the entry that `next` gives on, as for a member that is behind. */
  hold(next: () => number): Disposable {
    const holds = (this.#holds ??= new Set());
    holds.add(next);
    return { [Symbol.dispose]: () => holds.delete(next) };
  }

  end(): void {
    this.#isOver = true;
  }

  async #take(): Promise<SnapshotInfo> {
    const { index, term, members, source } = this.#group.capture();
    const [entries, bytes] = [this.#entries, this.#bytes];
    try {
      const known = this.#log.snapshot;
      const isNew = known === undefined || known.index < index;
      const about = { index, term, metadata: encodeSnapshotMembers(members) };
      const info = isNew ? await this.#save(about, source) : known;
      await this.#cut();
      return info;
    } finally {
      source.release();
      this.#entries -= entries;
      this.#bytes -= bytes;
    }
  }

  async #save(about: SnapshotAbout, source: SnapshotSource): Promise<SnapshotInfo> {
    const began = this.#clock.now();
    const info = await this.#log.saveSnapshot(about, source.chunks({}));
    this.#instruments.duration.record((this.#clock.now() - began) / 1000);
    this.#instruments.size.record(info.size);
    return info;
  }

  async #cut(): Promise<void> {
    const { firstIndex, lastIndex, snapshot } = this.#log;
    const perEntry = this.#bytes / Math.max(1, this.#entries);
    const index = cutIndex(this.#policy, {
      firstIndex,
      lastIndex,
      snapshotIndex: snapshot?.index ?? 0,
      needed: [...this.#group.neededByOthers, ...[...(this.#holds ?? [])].map((next) => next())],
      bytesFrom: (from) => (lastIndex + 1 - from) * perEntry,
    });
    const term = this.#log.term(index);
    if (index >= firstIndex && term !== undefined && !this.#isOver) await this.#log.truncatePrefix(index, term);
  }

  #failed(cause: unknown): void {
    // One that came from the leader meanwhile is newer.
    if (this.#isOver || isClusterError(cause, 'INVALID_OPTIONS')) return;
    // The next attempt comes when as much again was applied.
    const error = toClusterError(cause, 'IO', 'take a snapshot');
    this.#logger.warn(`group ${this.#log.id}: ${error.message}`, error);
  }
}
