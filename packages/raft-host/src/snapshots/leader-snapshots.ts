import { type Clock, type ClusterContext, ClusterError, type GroupLog, type NodeId } from '@quorate/core';
import type { Message } from '@quorate/raft';
import type { SnapshotInstruments } from '../group-instruments.ts';
import type { SnapshotTransfer } from './snapshot-transfer.ts';

/** Sends the snapshots of one group to members that need them, for as long as this node leads. */
export class LeaderSnapshots {
  readonly #parts: LeaderSnapshotsParts;
  #leading = new AbortController();

  constructor(parts: LeaderSnapshotsParts) {
    this.#parts = parts;
  }

  /**
   * Sends the newest, and reports whether the member has it; unless this node has ceased to lead meanwhile.
   * @param message the `Snap` that the member is to get with it
   */
  async send(to: NodeId, message: Message): Promise<void> {
    const { log, formation, transfer, logger, clock, instruments, report } = this.#parts;
    const { signal } = this.#leading;
    const { snapshot: info } = log;
    let isThere = false;
    const began = clock.now();
    try {
      if (info === undefined) throw new ClusterError('NOT_FOUND', 'the snapshot is gone');
      await transfer().send({ to, group: log.id, formation, message, log, info }, { signal });
      isThere = true;
      instruments.duration.record((clock.now() - began) / 1000);
      instruments.size.record(info.size);
    } catch (error) {
      logger.debug(`group ${log.id}: a snapshot did not reach ${to}`, error);
    }
    if (!signal.aborted) report(message.to, isThere);
  }

  /** This node leads no more, or the group is over: the next leader sends what is needed then. */
  stop(): void {
    this.#leading.abort(new ClusterError('ABORTED', `group ${this.#parts.log.id} is not led here any more`));
    this.#leading = new AbortController();
  }
}

export interface LeaderSnapshotsParts {
  readonly log: GroupLog;
  /** Tag of the group's formation. */
  readonly formation: number;
  readonly transfer: () => Pick<SnapshotTransfer, 'send'>;
  readonly logger: ClusterContext['logger'];
  readonly clock: Clock;
  readonly instruments: SnapshotInstruments;
  /** @param member its number */
  readonly report: (member: number, isThere: boolean) => void;
}
