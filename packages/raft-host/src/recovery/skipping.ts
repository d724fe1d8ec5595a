import {
  ByteReader,
  ByteWriter,
  type CallOptions,
  type Clock,
  ClusterError,
  type MonotonicMs,
  type NodeId,
  sleep,
  throwIfAborted,
} from '@quorate/core';
import type { Halt } from '../commands/entry-feed.ts';
import { type CommandPosition, decodeSkip, encodeSkip } from '../commands/skip.ts';
import type { Leader } from '../dispatch.ts';
import { requestKind } from '../request-kind.ts';
import { LOOK_MS, MAX_ANSWER_MS, throughChanges } from './through-changes.ts';

export interface SkipOptions extends CallOptions {
  /** @default 30_000 */
  readonly timeoutMs?: number;
}

/** A group, as far as a skip has to do with it. */
export interface HaltableGroup {
  readonly id: number;
  readonly clock: Clock;
  /** Throws where the group doesn't run. */
  leader(): Leader;
  notLeader(): ClusterError;
  halt(): Halt | undefined;
  applied(): number;
  /** Whether the machine here does without this command. */
  hasSkip(position: CommandPosition): boolean;
  term(): number;
  /** Proposes the data of an entry; whether that was taken. */
  propose(data: Uint8Array): boolean;
  /** The other members. */
  others(): readonly NodeId[];
  ask(
    to: NodeId,
    kind: number,
    body: Uint8Array,
    options: SkipOptions & { readonly timeoutMs: number },
  ): Promise<Uint8Array>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS: number = 2 ** 32 - 1;
/** How long a member has to say whether it has applied a command. */
const ANSWER_MS = 2000;
const VERSION = 1;
/** Version and timeout. */
const HEADER_BYTES = 5;

/**
 * Has the group go on without the command at which its machines have stopped. Only a leader that has itself stopped there
 * proposes that, and when no member that it reaches has applied the command (decision 10).
 */
export class Skipping {
  readonly #group: HaltableGroup;

  constructor(group: HaltableGroup) {
    this.#group = group;
  }

  /** See `RaftOperations.skipCommand`. */
  async skip({ index, place }: CommandPosition, options: SkipOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    const position = checked({ index, place });
    const { clock } = this.#group;
    const deadline = clock.now() + timeoutMs;
    const attempt = () => this.#try(position, deadline, signal);
    await throughChanges('skip', clock, deadline, attempt, signal === undefined ? {} : { signal });
  }

  /** Another node asks for a skip. */
  async answer(body: Uint8Array): Promise<void> {
    const { position, timeoutMs } = decodeRequest(body);
    await this.#lead(position, this.#group.clock.now() + Math.min(timeoutMs, MAX_ANSWER_MS), undefined);
  }

  /** A leader asks whether the machine here has applied a command that is to be skipped. */
  answerApplied(body: Uint8Array): Uint8Array {
    const { position } = decodeRequest(body);
    const { index } = position;
    const hasApplied = this.#group.applied() >= index && !this.#group.hasSkip(position);
    return Uint8Array.of(VERSION, hasApplied ? 1 : 0);
  }

  #try(position: CommandPosition, deadline: MonotonicMs, signal: AbortSignal | undefined): Promise<unknown> {
    const leader = this.#group.leader();
    if (leader === 'self') return this.#lead(position, deadline, signal);
    if (leader === undefined) return Promise.reject(this.#group.notLeader());
    const timeoutMs = Math.max(1, deadline - this.#group.clock.now());
    const body = encodeRequest(position, timeoutMs);
    return this.#group.ask(leader.nodeId, requestKind.SKIP, body, { timeoutMs, ...(signal && { signal }) });
  }

  /** Resolves when the machine of this leader has gone on. */
  async #lead(position: CommandPosition, deadline: MonotonicMs, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#group;
    let isAsked = false;
    for (let proposedIn = 0; !this.#isDone(position);) {
      throwIfAborted(signal, 'skip');
      if (this.#group.leader() !== 'self') throw this.#group.notLeader();
      const term = this.#group.term();
      if (this.#mayPropose(position) && !isAsked) {
        await this.#throwIfApplied(position);
        isAsked = true;
      } else if (this.#mayPropose(position) && proposedIn !== term) {
        if (this.#group.propose(encodeSkip(position))) proposedIn = term;
      }
      if (clock.now() >= deadline) throw late(position);
      await sleep(clock, LOOK_MS, signal === undefined ? {} : { signal });
    }
  }

  /** @throws ClusterError `REFUSED` when a member that can be reached has applied it */
  async #throwIfApplied(position: CommandPosition): Promise<void> {
    const body = encodeRequest(position, ANSWER_MS);
    const ask = async (nodeId: NodeId): Promise<NodeId[]> => {
      const options = { timeoutMs: ANSWER_MS };
      const answer = await this.#group.ask(nodeId, requestKind.HAS_APPLIED, body, options).catch(() => undefined);
      return answer?.[0] === VERSION && answer[1] === 1 ? [nodeId] : [];
    };
    const names = (await Promise.all(this.#group.others().map(ask))).flat();
    if (names.length === 0) return;
    const what = `command ${position.place} of entry ${position.index} of group ${this.#group.id}`;
    throw refused(`${what} was applied by ${names.join(', ')}: the nodes where it failed have to be started again`);
  }

  #isDone(position: CommandPosition): boolean {
    const halt = this.#group.halt();
    const isHere = halt !== undefined && isSame(halt, position);
    if (isHere || !this.#group.hasSkip(position)) return false;
    // It may have stopped again, at another one.
    return halt !== undefined || this.#group.applied() >= position.index;
  }

  /**
   * Whether the machine has stopped there; it may be on its way.
   * @throws ClusterError `REFUSED`
   */
  #mayPropose(position: CommandPosition): boolean {
    const { id } = this.#group;
    const halt = this.#group.halt();
    const what = `command ${position.place} of entry ${position.index} of group ${id}`;
    if (halt === undefined) {
      if (this.#group.applied() < position.index) return false;
      throw refused(`${what} was applied by the leader: a node where it failed has to be started again`);
    }
    if (isSame(halt, position)) {
      if (halt.canBeSkipped) return true;
      throw refused(`${what} can't be skipped: ${halt.error.message}`);
    }
    throw refused(`the group has stopped at command ${halt.place} of entry ${halt.index}, not at ${what}`);
  }
}

function encodeRequest(position: CommandPosition, timeoutMs: number): Uint8Array {
  const skip = encodeSkip(position);
  const writer = new ByteWriter(HEADER_BYTES + skip.length).u8(VERSION);
  return writer
    .u32(Math.min(MAX_TIMEOUT_MS, Math.ceil(timeoutMs)))
    .bytes(skip)
    .view();
}

function decodeRequest(body: Uint8Array): { readonly position: CommandPosition; readonly timeoutMs: number } {
  const reader = new ByteReader('what is to be skipped', body);
  if (reader.u8() !== VERSION) throw reader.unsound('it is of another version');
  const timeoutMs = reader.u32();
  return { position: checked(decodeSkip(reader.rest())), timeoutMs };
}

function checked(position: CommandPosition): CommandPosition {
  const { index, place } = position;
  if (Number.isSafeInteger(index) && index >= 1 && Number.isSafeInteger(place) && place >= 0) return position;
  throw new ClusterError('INVALID_OPTIONS', `a command's position has an index from 1 and a place from 0`);
}

function isSame(a: CommandPosition, b: CommandPosition): boolean {
  return a.index === b.index && a.place === b.place;
}

function refused(message: string): ClusterError {
  return new ClusterError('REFUSED', message, { outcome: 'not-applied' });
}

function late({ index, place }: CommandPosition): ClusterError {
  return new ClusterError('TIMEOUT', `the skip of command ${place} of entry ${index} was not applied in time`, {
    outcome: 'unknown',
  });
}
