import { ClusterError, type NodeId, toClusterError } from '@quorate/core';
import type { GroupSettings } from '../group-options.ts';
import type { GroupPhase } from '../group-status.ts';
import type { RaftHost } from '../raft-host.ts';
import { RepairAsking } from '../repair/repair-asking.ts';
import { requestKind } from '../request-kind.ts';
import { Founding } from './founding.ts';
import { type JoinableGroup, Joining } from './joining.ts';

/** A group that this node begins with. */
export interface EnteredGroup extends JoinableGroup {
  readonly settings: GroupSettings;
  /** Aborted when it is closed. */
  readonly closing: AbortSignal;
  enter(phase: GroupPhase): void;
  campaign(): void;
}

/** How a node comes to take part in a group: as what its log says, or until there is something in that. */
export class Entering {
  readonly #host: RaftHost;
  readonly #group: EnteredGroup;
  /** Undefined until begun. */
  #founding: Founding | undefined;
  #asking: RepairAsking | undefined;

  constructor(host: RaftHost, group: EnteredGroup) {
    this.#host = host;
    this.#group = group;
  }

  /** What there is of the group here; undefined until begun. */
  get founding(): Founding | undefined {
    return this.#founding;
  }

  /** @throws ClusterError `CLOSED` before it is begun */
  started(): Founding {
    if (this.#founding !== undefined) return this.#founding;
    throw new ClusterError('CLOSED', `group ${this.#group.id} is not started`);
  }

  /**
   * Reads what is stored, and takes part if that says as what.
   * @throws ClusterError `CORRUPT`, `IO`, `CLOSED`; what the machine throws when it restores its snapshot
   */
  async begin(): Promise<void> {
    const [host, group] = [this.#host, this.#group];
    const { id, settings } = group;
    const founding = await Founding.open(host, host.logOf(id), settings.voters);
    if (group.closing.aborted) throw new ClusterError('CLOSED', `group ${id} is closed`);
    this.#founding = founding;
    const { identity, isLost } = founding.state;
    // Perhaps one that was restored, or that a crash has kept from being noted.
    if (identity !== undefined) await this.#notePlace();
    if (identity !== undefined) await group.run(founding, identity);
    else if (isLost) void this.#ask(founding);
    else if (settings.voters.includes(host.context.self.id)) void this.#form(founding);
    else group.enter('waiting');
  }

  /** Neither forms the group nor asks for a place any more. */
  stop(): void {
    this.#founding?.stop();
    this.#asking?.end();
  }

  /** @throws ClusterError as `Founding.accept`; what prevents that it takes part */
  async takeInvitation(from: NodeId, body: Uint8Array): Promise<Uint8Array> {
    const wasLost = this.started().state.isLost;
    const answer = await this.#joining().takeInvitation(from, body);
    if (wasLost) await this.#hasPlace();
    return answer;
  }

  /** A member speaks to this node, which waits to be invited. */
  inquire(member: NodeId): void {
    void this.#joining().inquire(member);
  }

  #joining(): Joining {
    return new Joining(this.#group, this.started(), this.#host.context.logger);
  }

  async #form(founding: Founding): Promise<void> {
    const group = this.#group;
    group.enter('forming');
    try {
      let isReady = false;
      const ready = () => {
        isReady = true;
        group.campaign();
      };
      const identity = await founding.form(group.settings.timings.electionMs, ready);
      if (identity !== undefined) await group.run(founding, identity);
      // Whichever came last: that the others know, or that this node takes part.
      if (isReady) group.campaign();
    } catch (error) {
      group.over(toClusterError(error, 'IO', `group ${group.id}`));
    }
  }

  /** This node had a log, perhaps with this group in it, and has it no longer. */
  async #ask(founding: Founding): Promise<void> {
    const [host, group] = [this.#host, this.#group];
    const asking = new RepairAsking({
      context: host.context,
      group: group.id,
      pauseMs: group.settings.timings.electionMs,
      call: (to, body, timeoutMs) => host.request(to, group.id, requestKind.REPAIR, body, { timeoutMs }),
      isDone: () => founding.state.identity !== undefined,
      refused: (error) => group.over(error),
    });
    this.#asking = asking;
    group.enter('repairing');
    await asking.run();
  }

  async #hasPlace(): Promise<void> {
    this.#asking?.end();
    this.#host.context.logger.info(
      `group ${this.#group.id} has given this node a place again, and brings it what it lacks`,
    );
    await this.#notePlace();
  }

  /** From now on the log is worth a copy again. */
  async #notePlace(): Promise<void> {
    const { id } = this.#group;
    try {
      await this.#host.log.repaired(id);
    } catch (error) {
      // Only an older copy is kept for longer.
      this.#host.context.logger.warn(`group ${id}: it could not be noted that this node has a place again`, error);
    }
  }
}
