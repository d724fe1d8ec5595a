import type { Logger } from '@quorate/core';
import type { RaftNode } from '@quorate/raft';
import { DiskWatch } from './disk-watch.ts';
import type { RaftTimings } from './group-options.ts';
import { successors } from './progress-view.ts';
import type { GroupRole } from './running-group-parts.ts';

/** A group in which this node may become leader, or is. */
export interface StandingGroup {
  readonly id: number;
  readonly node: RaftNode;
  readonly role: GroupRole;
  /** Whether this node is no member any more. */
  readonly isRemoved: boolean;
}

/** Whether this node may lead its group: as far as its users want it, and its disk answers. */
export class Standing {
  readonly #group: StandingGroup;
  readonly #disk: DiskWatch;
  readonly #logger: Logger;
  #isWanted = false;

  constructor(group: StandingGroup, timings: RaftTimings, logger: Logger) {
    this.#group = group;
    this.#disk = new DiskWatch(timings);
    this.#logger = logger;
  }

  /** Whether its users want it to. */
  want(isWanted: boolean): void {
    this.#isWanted = isWanted;
    const { node, isRemoved } = this.#group;
    node.standing = isWanted && !this.#disk.isStalled && !isRemoved;
  }

  /**
   * Takes note of a disk that has stalled, or answers again; a leader with such a one gives its leadership up.
   * @param stalledTicks for which the disk has owed an answer and given none
   */
  tick(stalledTicks: number): void {
    const wasStalled = this.#disk.isStalled;
    this.#disk.tick(stalledTicks);
    if (this.#disk.isStalled !== wasStalled) this.want(this.#isWanted);
    const { advice } = this.#disk;
    if (advice === undefined || this.#group.role.role !== 'leader') return;
    const { node, id } = this.#group;
    const [successor] = successors(node);
    if (advice === 'hand-over' && successor !== undefined) node.transferLeader(successor);
    else node.stepDown();
    this.#logger.warn(`group ${id}: the disk does not answer; leadership is given up`);
  }
}
