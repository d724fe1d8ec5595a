import type { MemberState } from '@quorate/core';
import type { StateOfMember, Version } from './types.ts';

const RANK: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, unreachable: 2, left: 3 };

/**
 * The most that is believed of an epoch, a refutation or a place in the order of joining: beyond any count, and far enough
 * below what a number holds.
 */
export const MAX_COUNT: number = 2 ** 48;

/**
 * How far ahead of what is known an epoch is believed: more starts without storage than anybody misses. The last one can't
 * be had by saying it: whoever is accused in it could never say otherwise.
 */
const MAX_EPOCHS_AHEAD: number = 2 ** 20;

/** Negative when `a` is the older one. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.run - b.run || a.refutation - b.refutation;
}

/** The same of members, as often as a rumour comes. */
export function compareMembers(a: StateOfMember, b: StateOfMember): number {
  return a.epoch - b.epoch || a.incarnation - b.incarnation || a.refutation - b.refutation;
}

export function versionOf({ epoch, incarnation, refutation }: StateOfMember): Version {
  return { epoch, run: incarnation, refutation };
}

/** Whether a member is known in just this version. */
export function isSameVersion(known: StateOfMember, version: Version): boolean {
  return compareVersions(versionOf(known), version) === 0;
}

/** Whether both speak of the same life of the node. */
export function isSameRun(a: Version, b: Version): boolean {
  return a.epoch === b.epoch && a.run === b.run;
}

/** Whether a node that is known in one epoch can be in the other by now. */
export function isBelievable(heard: { readonly epoch: number }, known: { readonly epoch: number }): boolean {
  return heard.epoch - known.epoch <= MAX_EPOCHS_AHEAD;
}

/**
 * Whether the first is to be believed rather than the second: it is newer, or of the same version and worse. A total order,
 * so that all who have heard the same believe the same, in whichever order they heard it.
 */
export function prevails(version: Version, state: MemberState, known: StateOfMember): boolean {
  if (!isBelievable(version, known)) return false;
  const order = compareVersions(version, versionOf(known));
  return order > 0 || (order === 0 && RANK[state] > RANK[known.state]);
}
