import { ClusterError, type NodeId, toClusterError } from '@quorate/core';
import type { GroupSettings } from '../group-options.ts';
import type { Identity } from '../group-state.ts';
import type { GroupPhase } from '../group-status.ts';
import type { RaftHost } from '../raft-host.ts';
import { RepairAsking } from '../repair/repair-asking.ts';
import { requestKind } from '../request-kind.ts';
import { Founding } from './founding.ts';
import { Joining } from './joining.ts';

export interface EnteringParts {
  readonly host: RaftHost;
  readonly group: number;
  readonly settings: GroupSettings;
  readonly isClosed: () => boolean;
  readonly phase: () => GroupPhase;
  readonly enter: (phase: GroupPhase) => void;
  /** Takes part as this member, unless it does already. */
  readonly run: (founding: Founding, identity: Identity) => Promise<void>;
  /** Whether it takes part, as whatever member. */
  readonly isRunning: () => boolean;
  /** Ceases to be the member that was removed. */
  readonly beginAnew: () => void;
  readonly campaign: () => void;
  /** The group can't go on here. */
  readonly over: (error: ClusterError) => void;
}

/** How a node comes to take part in a group: as what its log says, or until there is something in that. */
export class Entering {
  readonly #parts: EnteringParts;
  /** Undefined until begun. */
  #founding: Founding | undefined;
  #asking: RepairAsking | undefined;

  constructor(parts: EnteringParts) {
    this.#parts = parts;
  }

  /** What there is of the group here; undefined until begun. */
  get founding(): Founding | undefined {
    return this.#founding;
  }

  /** @throws ClusterError `CLOSED` before it is begun */
  started(): Founding {
    if (this.#founding !== undefined) return this.#founding;
    throw new ClusterError('CLOSED', `group ${this.#parts.group} is not started`);
  }

  /**
   * Reads what is stored, and takes part if that says as what.
   * @throws ClusterError `CORRUPT`, `IO`, `CLOSED`; what the machine throws when it restores its snapshot
   */
  async begin(): Promise<void> {
    const { host, group, settings, isClosed, run, enter } = this.#parts;
    const founding = await Founding.open(host, host.logOf(group), settings.voters);
    if (isClosed()) throw new ClusterError('CLOSED', `group ${group} is closed`);
    this.#founding = founding;
    const { identity, isLost } = founding.state;
    // Perhaps one that was restored, or that a crash has kept from being noted.
    if (identity !== undefined) await this.#notePlace();
    if (identity !== undefined) await run(founding, identity);
    else if (isLost) void this.#ask(founding);
    else if (settings.voters.includes(host.context.self.id)) void this.#form(founding);
    else enter('waiting');
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
    const parts = this.#parts;
    return new Joining({
      group: parts.group,
      logger: parts.host.context.logger,
      phase: parts.phase,
      founding: () => this.started(),
      run: parts.run,
      isRunning: parts.isRunning,
      beginAnew: parts.beginAnew,
      over: parts.over,
    });
  }

  async #form(founding: Founding): Promise<void> {
    const { group, settings, enter, run, campaign, over } = this.#parts;
    enter('forming');
    try {
      let isReady = false;
      const ready = () => {
        isReady = true;
        campaign();
      };
      const identity = await founding.form(settings.timings.electionMs, ready);
      if (identity !== undefined) await run(founding, identity);
      // Whichever came last: that the others know, or that this node takes part.
      if (isReady) campaign();
    } catch (error) {
      over(toClusterError(error, 'IO', `group ${group}`));
    }
  }

  /** This node had a log, perhaps with this group in it, and has it no longer. */
  async #ask(founding: Founding): Promise<void> {
    const { host, group, settings, enter, over } = this.#parts;
    const asking = new RepairAsking({
      context: host.context,
      group,
      pauseMs: settings.timings.electionMs,
      call: (to, body, timeoutMs) => host.request(to, group, requestKind.REPAIR, body, { timeoutMs }),
      isDone: () => founding.state.identity !== undefined,
      refused: over,
    });
    this.#asking = asking;
    enter('repairing');
    await asking.run();
  }

  async #hasPlace(): Promise<void> {
    const { host, group } = this.#parts;
    this.#asking?.end();
    host.context.logger.info(`group ${group} has given this node a place again, and brings it what it lacks`);
    await this.#notePlace();
  }

  /** From now on the log is worth a copy again. */
  async #notePlace(): Promise<void> {
    const { host, group } = this.#parts;
    try {
      await host.log.repaired(group);
    } catch (error) {
      // Only an older copy is kept for longer.
      host.context.logger.warn(`group ${group}: it could not be noted that this node has a place again`, error);
    }
  }
}
