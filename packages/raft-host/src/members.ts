import { ClusterError, isNodeId, type NodeId } from '@quorate/core';
import type { ConfState } from '@quorate/raft';
import { isHexId } from './group-state.ts';

/** A member of a group. */
export interface Member {
  /** What consensus knows it by. Never used twice in a group. */
  readonly number: number;
  readonly nodeId: NodeId;
  /** The id of its log: without that log it is not this member. */
  readonly disk: string;
  /** What it is to be: a learner that wishes to vote is promoted once it has caught up. */
  readonly wants: 'voter' | 'learner';
  /** The number of the member that it is to take the place of, once it has caught up. */
  readonly replaces?: number;
}

/** The members of a group as of an index of its log, and the numbers that were ever given. */
export class Members {
  /** In the order of their numbers. Never changed in place. */
  #all: readonly Member[] = [];
  #lastNumber = 0;

  constructor(members: readonly Member[] = [], lastNumber: number = 0) {
    this.replace(members, lastNumber);
  }

  /** The highest number ever given; the next member gets one more. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  get all(): readonly Member[] {
    return this.#all;
  }

  get(number: number): Member | undefined {
    return this.#all.find((member) => member.number === number);
  }

  /** The member that this node is, the newest where it is being replaced by itself. */
  ofNode(nodeId: NodeId): Member | undefined {
    return this.#all.findLast((member) => member.nodeId === nodeId);
  }

  /** Whether this number was a member's that has been removed since. It will not come back. */
  wasRemoved(number: number): boolean {
    return number <= this.#lastNumber && this.get(number) === undefined;
  }

  /** As a snapshot has them. */
  replace(members: readonly Member[], lastNumber: number): void {
    const byNumber = new Map(members.map((member) => [member.number, member]));
    this.#all = [...byNumber.values()].sort((a, b) => a.number - b.number);
    this.#lastNumber = lastNumber;
  }

  /** Takes a member in, or its new wish. */
  put(member: Member): void {
    const others = this.#all.filter(({ number }) => number !== member.number);
    this.#all = others.concat(member).sort((a, b) => a.number - b.number);
    this.#lastNumber = Math.max(this.#lastNumber, member.number);
  }

  /** Lets go of everyone whom the configuration no longer knows. */
  retain({ voters, votersOutgoing, learners }: ConfState): void {
    const kept = new Set([...voters, ...votersOutgoing, ...learners]);
    if (this.#all.every(({ number }) => kept.has(number))) return;
    this.#all = this.#all.filter(({ number }) => kept.has(number));
  }
}

/** What a change of the configuration says of those it adds: its `context`. */
export interface ChangeContext {
  readonly members: readonly Member[];
}

/** What goes with a snapshot. */
export interface SnapshotMembers {
  readonly confState: ConfState;
  readonly members: readonly Member[];
  readonly lastNumber: number;
}

/*
 * Both are rare and small: JSON behind a version. What comes from a peer or a disk is checked as a whole.
 */
const VERSION = 1;
const MAX_MEMBERS = 1024;

export function encodeChangeContext(context: ChangeContext): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...context }));
}

/** @throws ClusterError `CORRUPT` */
export function decodeChangeContext(bytes: Uint8Array | undefined): ChangeContext {
  if (bytes === undefined) return { members: [] };
  const value = parse(bytes, 'a change of the configuration');
  if (!isMembers(value['members'])) throw unreadable('a change of the configuration');
  return { members: value['members'] };
}

export function encodeSnapshotMembers(snapshot: SnapshotMembers): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...snapshot }));
}

/** @throws ClusterError `CORRUPT` */
export function decodeSnapshotMembers(bytes: Uint8Array): SnapshotMembers {
  const { confState, members, lastNumber } = parse(bytes, 'the members in a snapshot');
  if (!isConfState(confState) || !isMembers(members) || !isNumber(lastNumber)) {
    throw unreadable('the members in a snapshot');
  }
  return { confState, members, lastNumber };
}

/** Whether a value from a peer is a list of members. */
export function isMembers(value: unknown): value is readonly Member[] {
  return Array.isArray(value) && value.length <= MAX_MEMBERS && value.every(isMember);
}

function isMember(value: unknown): value is Member {
  if (typeof value !== 'object' || value === null) return false;
  const { number, nodeId, disk, wants, replaces } = value as Partial<Record<keyof Member, unknown>>;
  const hasWish = wants === 'voter' || wants === 'learner';
  return isNumber(number) && isNodeId(nodeId) && isHexId(disk) && hasWish && isOptionalNumber(replaces);
}

function isConfState(value: unknown): value is ConfState {
  if (typeof value !== 'object' || value === null) return false;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = value as Partial<
    Record<keyof ConfState, unknown>
  >;
  return [voters, votersOutgoing, learners, learnersNext].every(isNumbers) && typeof autoLeave === 'boolean';
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_MEMBERS && value.every(isNumber);
}

function isOptionalNumber(value: unknown): boolean {
  return value === undefined || isNumber(value);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function parse(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION) {
      return { ...value };
    }
  } catch (error) {
    throw unreadable(what, error);
  }
  throw unreadable(what);
}

function unreadable(what: string, cause?: unknown): ClusterError {
  return new ClusterError('CORRUPT', `${what} can't be read`, { cause });
}
