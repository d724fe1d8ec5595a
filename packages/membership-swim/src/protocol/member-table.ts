import type { MemberState, NodeId, Random } from '@quorate/core';
import { List, Map } from 'immutable';
import type { MemberRecord, SwimBase } from './types.ts';

const TRIES_PER_MEMBER = 6;

/** Everybody known. What changes costs the logarithm of the number of members, and shares the rest. */
export class MemberTable {
  readonly #random: Random;
  #members: Map<NodeId, MemberRecord>;
  #order: List<NodeId>;
  /** Invariant: how many of the members are alive or suspect. */
  #living: number;
  #highestJoinOrder: number;

  constructor(random: Random, base: SwimBase) {
    this.#random = random;
    this.#members = base.members;
    this.#order = base.order;
    this.#living = base.living;
    this.#highestJoinOrder = base.highestJoinOrder;
  }

  get members(): Map<NodeId, MemberRecord> {
    return this.#members;
  }

  get living(): number {
    return this.#living;
  }

  /** The highest that was ever seen. */
  get highestJoinOrder(): number {
    return this.#highestJoinOrder;
  }

  get(id: NodeId): MemberRecord | undefined {
    return this.#members.get(id);
  }

  put(member: MemberRecord): void {
    const known = this.#members.get(member.id);
    if (known === undefined) this.#order = this.#order.push(member.id);
    this.#living += Number(isLiving(member.state)) - Number(known !== undefined && isLiving(known.state));
    this.#highestJoinOrder = Math.max(this.#highestJoinOrder, member.joinOrder);
    this.#members = this.#members.set(member.id, member);
  }

  remove(id: NodeId): void {
    const known = this.#members.get(id);
    if (known === undefined) return;
    const place = this.#order.indexOf(id);
    const last = this.#order.last();
    this.#order = last === undefined ? this.#order : this.#order.set(place, last).pop();
    this.#living -= Number(isLiving(known.state));
    this.#members = this.#members.remove(id);
  }

  /** How many places there are for `at`. */
  get places(): number {
    return this.#order.size;
  }

  at(place: number): MemberRecord | undefined {
    const id = this.#order.get(place);
    return id === undefined ? undefined : this.#members.get(id);
  }

  /** Up to `count` different members that fit, drawn at random. */
  sample(count: number, fits: (member: MemberRecord) => boolean): readonly MemberRecord[] {
    const drawn = new Set<MemberRecord>();
    const { size } = this.#order;
    for (let tries = count * TRIES_PER_MEMBER; tries > 0 && drawn.size < count; tries -= 1) {
      this.#draw(this.#random.int(size), fits, drawn);
    }
    // Few fit: the rest is found for certain, as it comes from a random place on.
    const start = size === 0 || drawn.size >= count ? 0 : this.#random.int(size);
    for (let step = 0; step < size && drawn.size < count; step += 1) {
      this.#draw((start + step) % size, fits, drawn);
    }
    return [...drawn];
  }

  #draw(place: number, fits: (member: MemberRecord) => boolean, drawn: Set<MemberRecord>): void {
    const member = this.at(place);
    if (member !== undefined && fits(member)) drawn.add(member);
  }
}

/** A table of its own, to begin with or to be shared by many. */
export function tableOf(members: Iterable<MemberRecord>): SwimBase {
  const all = Map([...members].map((member) => [member.id, member] as const));
  const living = all.count(({ state }) => isLiving(state));
  const highestJoinOrder = all.reduce((highest, { joinOrder }) => Math.max(highest, joinOrder), 0);
  return { members: all, order: List(all.keys()), living, highestJoinOrder };
}

export function isLiving(state: MemberState): boolean {
  return state === 'alive' || state === 'suspect';
}
