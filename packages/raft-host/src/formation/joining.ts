import { type ClusterError, type Logger, type NodeId, toClusterError } from '@quorate/core';
import type { GroupPhase } from '../group-status.ts';
import type { Identity } from '../group-state.ts';
import type { Founding } from './founding.ts';

export interface JoiningParts {
  readonly group: number;
  readonly logger: Logger;
  readonly phase: () => GroupPhase;
  /** @throws ClusterError `CLOSED` before it is started */
  readonly founding: () => Founding;
  /** Takes part as this member, unless it does already. */
  readonly run: (founding: Founding, identity: Identity) => Promise<void>;
  /** Whether it takes part, as whatever member. */
  readonly isRunning: () => boolean;
  /** Ceases to be the member that was removed. */
  readonly beginAnew: () => void;
  /** The group can't go on here. */
  readonly over: (error: ClusterError) => void;
}

/** How a node that is no founder comes into a group: it is invited, or finds that it is a member. */
export class Joining {
  readonly #parts: JoiningParts;

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  /** @throws ClusterError as `Founding.accept`; what prevents that it takes part */
  async takeInvitation(from: NodeId, body: Uint8Array): Promise<Uint8Array> {
    const { group, run, isRunning, beginAnew, over } = this.#parts;
    const founding = this.#parts.founding();
    try {
      await run(founding, await founding.accept(from, body, beginAnew));
    } catch (cause) {
      const error = toClusterError(cause, 'IO', `join group ${group}`);
      const isInvalid = error.code === 'REFUSED' || error.code === 'PROTOCOL';
      // It is neither what it was nor what it was to become: its disk has failed, or its machine.
      if (!isInvalid && !isRunning()) over(error);
      throw error;
    }
    return new Uint8Array();
  }

  /** A member speaks to this node, which waits to be invited. */
  async inquire(member: NodeId): Promise<void> {
    const { group, run, phase, over, logger } = this.#parts;
    const founding = this.#parts.founding();
    try {
      const identity = await founding.inquire(member);
      if (identity !== undefined) await run(founding, identity);
    } catch (cause) {
      const error = toClusterError(cause, 'REMOTE', `ask ${member} about group ${group}`);
      if (error.code === 'REFUSED' && phase() === 'waiting') over(error);
      else logger.debug(error.message, error);
    }
  }
}
