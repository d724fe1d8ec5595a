import { type ClusterError, type Logger, type NodeId, toClusterError } from '@quorate/core';
import type { GroupPhase } from '../group-status.ts';
import type { Identity } from '../group-state.ts';
import type { Founding } from './founding.ts';

/** A group that this node may come to take part in. */
export interface JoinableGroup {
  readonly id: number;
  readonly phase: GroupPhase;
  /** Undefined until it takes part, as whatever member. */
  readonly running: object | undefined;
  /** Takes part as this member, unless it does already. */
  run(founding: Founding, identity: Identity): Promise<void>;
  /** Ceases to be the member that was removed. */
  beginAnew(): void;
  /** The group can't go on here. */
  over(error: ClusterError): void;
}

/** How a node that is no founder comes into a group: it is invited, or finds that it is a member. */
export class Joining {
  readonly #group: JoinableGroup;
  readonly #founding: Founding;
  readonly #logger: Logger;

  constructor(group: JoinableGroup, founding: Founding, logger: Logger) {
    this.#group = group;
    this.#founding = founding;
    this.#logger = logger;
  }

  /** @throws ClusterError as `Founding.accept`; what prevents that it takes part */
  async takeInvitation(from: NodeId, body: Uint8Array): Promise<Uint8Array> {
    const [group, founding] = [this.#group, this.#founding];
    try {
      await group.run(founding, await founding.accept(from, body, () => group.beginAnew()));
    } catch (cause) {
      const error = toClusterError(cause, 'IO', `join group ${group.id}`);
      const isInvalid = error.code === 'REFUSED' || error.code === 'PROTOCOL';
      // It is neither what it was nor what it was to become: its disk has failed, or its machine.
      if (!isInvalid && group.running === undefined) group.over(error);
      throw error;
    }
    return new Uint8Array();
  }

  /** A member speaks to this node, which waits to be invited. */
  async inquire(member: NodeId): Promise<void> {
    const [group, founding] = [this.#group, this.#founding];
    try {
      const identity = await founding.inquire(member);
      if (identity !== undefined) await group.run(founding, identity);
    } catch (cause) {
      const error = toClusterError(cause, 'REMOTE', `ask ${member} about group ${group.id}`);
      if (error.code === 'REFUSED' && group.phase === 'waiting') group.over(error);
      else this.#logger.debug(error.message, error);
    }
  }
}
