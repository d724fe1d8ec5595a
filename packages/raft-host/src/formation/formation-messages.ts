import { ClusterError, isNodeId, type NodeId } from '@quorate/core';
import { isHexId } from '../group-state.ts';
import { isMembers, type Member } from '../members.ts';

/** What a node that has not the group asks each founder. */
export interface FormationQuestion {
  /** Who is to found it, in order: nodes that disagree about this must not form anything. */
  readonly voters: readonly NodeId[];
}

export interface FormationAnswer {
  /** The answerer's: made for this, if it had none. */
  readonly disk: string;
  /** Undefined while it knows of none. */
  readonly formation?: string;
  /** As far as it knows; none while it has not applied any. */
  readonly members: readonly Member[];
  /** With whom it was formed, where that is known. */
  readonly founders?: readonly Member[];
}

/** "You are this member": to a founder, or to a node that was added. */
export interface Invitation {
  readonly formation: string;
  readonly number: number;
  /** Whoever has another has lost the one that was meant. */
  readonly disk: string;
  /** To a founder: with whom the group was formed. Its log then begins as everybody's does, without having to get it. */
  readonly founders?: readonly Member[];
}

const MAX_VOTERS = 1024;

export function encodeControl(message: FormationQuestion | FormationAnswer | Invitation): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** @throws ClusterError `PROTOCOL` */
export function decodeQuestion(bytes: Uint8Array): FormationQuestion {
  const { voters } = parse(bytes);
  if (!isVoters(voters)) throw malformed('voters');
  return { voters };
}

/** @throws ClusterError `PROTOCOL` */
export function decodeAnswer(bytes: Uint8Array): FormationAnswer {
  const { disk, formation, members, founders } = parse(bytes);
  if (!isHexId(disk)) throw malformed('disk');
  if (!isMembers(members)) throw malformed('members');
  if (formation === undefined) return { disk, members };
  if (!isHexId(formation)) throw malformed('formation');
  return { disk, formation, members, ...checkedFounders(founders) };
}

/** @throws ClusterError `PROTOCOL` */
export function decodeInvitation(bytes: Uint8Array): Invitation {
  const { formation, number, disk, founders } = parse(bytes);
  if (!isHexId(formation)) throw malformed('formation');
  if (!isHexId(disk)) throw malformed('disk');
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) throw malformed('number');
  return { formation, number, disk, ...checkedFounders(founders) };
}

function checkedFounders(founders: unknown): { readonly founders?: readonly Member[] } {
  if (founders === undefined) return {};
  if (isMembers(founders) && founders.length > 0 && founders.every(({ number }, at) => number === at + 1)) {
    return { founders };
  }
  throw malformed('founders');
}

function isVoters(value: unknown): value is readonly NodeId[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_VOTERS && value.every(isNodeId);
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw malformed('message', cause);
  }
  throw malformed('message');
}

function malformed(what: string, cause?: unknown): ClusterError {
  return new ClusterError('PROTOCOL', `the ${what} of a formation can't be read`, { cause });
}
