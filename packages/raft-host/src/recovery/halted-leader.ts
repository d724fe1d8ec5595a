import { ByteReader, ByteWriter, MAX_NUMBER_BYTES, type NodeId, type Timer } from '@quorate/core';
import type { Halt } from '../commands/entry-feed.ts';
import type { NodeGroup } from '../node-group.ts';
import type { RaftHost } from '../raft-host.ts';
import { requestKind } from '../request-kind.ts';
import type { RunningGroup } from '../running-group.ts';

/** Election times before the members are asked for the first time: most have applied by then what the leader could not. */
const FIRST_LOOK = 0.25;
/** Election times between two looks, at most: from one to the next it doubles. */
const LONGEST_PAUSE = 20;
const VERSION = 1;

/** What of a group it takes to know who leads it, and who could. */
type LedGroup = Pick<
  NodeGroup<never, unknown, never, unknown>,
  'id' | 'settings' | 'users' | 'successors' | 'transferLeader'
>;

/**
 * Has a leader whose machine has stopped hand over to a member whose machine has not, and has applied the entry that this one
 * could not: from then on commands are answered again. Where the command fails everywhere there is no such member, and the
 * leader stays. Leadership only ever moves to a machine that has come further, so it doesn't go round; and the questions
 * become rare, but don't end: a member may be started again with code that can apply the command.
 */
export class HaltedLeader {
  readonly #host: RaftHost;
  readonly #group: LedGroup;
  /** Undefined while it doesn't run. */
  readonly #running: () => Pick<RunningGroup<unknown>, 'halt' | 'leader'> | undefined;
  #timer: Timer | undefined;
  #isAsking = false;
  #looks = 0;

  constructor(
    host: RaftHost,
    group: LedGroup,
    running: () => Pick<RunningGroup<unknown>, 'halt' | 'leader'> | undefined,
  ) {
    this.#host = host;
    this.#group = group;
    this.#running = running;
  }

  /** The machine has stopped or goes on, leadership has moved, or the group is over. */
  changed(): void {
    if (this.#stop !== undefined) {
      this.#arm();
      return;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#looks = 0;
  }

  /** Where this leader has stopped; undefined where it doesn't lead, or goes on. */
  get #stop(): Halt | undefined {
    const running = this.#running();
    return running?.leader === 'self' ? running.halt : undefined;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#isAsking) return;
    const pause = Math.min(LONGEST_PAUSE, FIRST_LOOK * 2 ** this.#looks);
    this.#looks += 1;
    const { electionMs } = this.#group.settings.timings;
    this.#timer = this.#host.context.clock.setTimer(pause * electionMs, () => {
      this.#timer = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const index = this.#stop?.index;
    if (index === undefined) return;
    this.#isAsking = true;
    const fit = await this.#whoGoesOn(index);
    this.#isAsking = false;
    const isSame = this.#stop?.index === index;
    const to = isSame ? this.#candidates().find((member) => fit.has(member)) : undefined;
    if (to !== undefined) {
      const { logger } = this.#host.context;
      logger.warn(
        `group ${this.#group.id}: the machine of ${to} goes on where that of this leader has stopped: it is to lead`,
      );
      this.#group.transferLeader(to);
    }
    // A transfer may fail. Where it doesn't, the change of leaders ends this.
    this.changed();
  }

  /** Voters that can take over and are wanted as leader no less than this node, those with the most of the log first. */
  #candidates(): readonly NodeId[] {
    const { users } = this.#group;
    const own = users.preferenceFor(this.#host.context.self.id);
    return this.#group.successors().filter((nodeId) => users.preferenceFor(nodeId) >= own);
  }

  async #whoGoesOn(index: number): Promise<ReadonlySet<NodeId>> {
    const body = encodeQuestion(index);
    const { id, settings } = this.#group;
    const options = { timeoutMs: settings.timings.electionMs };
    const members = this.#candidates();
    const answers = await Promise.all(
      members.map((member) =>
        this.#host.request(member, id, requestKind.GOES_ON, body, options).then(isYes, () => false),
      ),
    );
    return new Set(members.filter((_, at) => answers[at]));
  }
}

/**
 * Answers a leader that asks whether the machine here goes on, and has applied a certain entry.
 * @throws ClusterError `PROTOCOL`
 */
export function answerGoesOn(
  body: Uint8Array,
  running: { readonly applied: number; readonly halt: Halt | undefined } | undefined,
): Uint8Array {
  const reader = new ByteReader('the question of a leader that has stopped', body);
  if (reader.u8() !== VERSION) throw reader.unsound('it is of another version');
  const index = reader.number();
  reader.end();
  const goesOn = running !== undefined && running.halt === undefined && running.applied >= index;
  return Uint8Array.of(VERSION, goesOn ? 1 : 0);
}

function encodeQuestion(index: number): Uint8Array {
  return new ByteWriter(1 + MAX_NUMBER_BYTES).u8(VERSION).number(index).view();
}

function isYes(answer: Uint8Array): boolean {
  return answer.length === 2 && answer[0] === VERSION && answer[1] === 1;
}
