import { type Address, type MemberState, type NodeId, type Random, sameNode } from '@quorate/core';
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
  /** Place by id. Made when somebody is removed for the first time: thousands of tables that only grow share all they have. */
  #places: globalThis.Map<NodeId, number> | undefined;
  /** Who is gone, for longest first. Made when it is first asked for, as the places are. */
  #gone: Set<NodeId> | undefined;

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
    if (known === undefined) this.#append(member.id);
    if (!isLiving(member.state)) this.#addGone(member, known);
    else this.#gone?.delete(member.id);
    this.#living += Number(isLiving(member.state)) - Number(known !== undefined && isLiving(known.state));
    this.#highestJoinOrder = Math.max(this.#highestJoinOrder, member.joinOrder);
    this.#members = this.#members.set(member.id, member);
  }

  remove(id: NodeId): void {
    const known = this.#members.get(id);
    if (known === undefined) return;
    this.#giveUpPlace(id);
    this.#gone?.delete(id);
    this.#living -= Number(isLiving(known.state));
    this.#members = this.#members.remove(id);
  }

  /** Who is not alive, nor suspect, and hasn't been for longest. */
  get longestGone(): MemberRecord | undefined {
    this.#gone ??= goneOf(this.#members);
    const [first] = this.#gone;
    return first === undefined ? undefined : this.#members.get(first);
  }

  /**
   * Takes from another table what is the same there, so that the two share it: since when somebody lives is by then the other's
   * word. For thousands of machines in one process, whose tables would not fit into memory otherwise.
   */
  share(common: Map<NodeId, MemberRecord>): void {
    const own = this.#members;
    if (own.size !== common.size) return;
    let isAlike = true;
    const shared = common.withMutations((members) => {
      for (const [id, member] of own) {
        const other = common.get(id);
        isAlike &&= other !== undefined;
        if (member !== other && !isSameLiving(member, other)) members.set(id, member);
      }
    });
    if (isAlike) this.#members = shared;
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

  #append(id: NodeId): void {
    this.#places?.set(id, this.#order.size);
    this.#order = this.#order.push(id);
  }

  /** Who has the last place takes this one. */
  #giveUpPlace(id: NodeId): void {
    this.#places ??= new globalThis.Map([...this.#order].map((each, at) => [each, at] as const));
    const place = this.#places.get(id);
    const last = this.#order.last();
    if (place === undefined || last === undefined) return;
    this.#order = this.#order.set(place, last).pop();
    this.#places.set(last, place);
    this.#places.delete(id);
  }

  /** Time only goes forward: who changed last has been gone for the shortest time. */
  #addGone({ id, since }: MemberRecord, known: MemberRecord | undefined): void {
    if (known?.since !== since) this.#gone?.delete(id);
    this.#gone?.add(id);
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

function goneOf(members: Map<NodeId, MemberRecord>): Set<NodeId> {
  const gone = [...members.values()].filter(({ state }) => !isLiving(state));
  return new Set(gone.sort((one, other) => one.since - other.since).map(({ id }) => id));
}

export function isLiving(state: MemberState): boolean {
  return state === 'alive' || state === 'suspect';
}

/** Whether both say that it lives, and the same of it. Of those who live, nothing depends on since when. */
function isSameLiving(one: MemberRecord, other: MemberRecord | undefined): boolean {
  return (
    other !== undefined &&
    isPlain(one) &&
    isPlain(other) &&
    one.incarnation === other.incarnation &&
    one.epoch === other.epoch &&
    one.refutation === other.refutation &&
    one.joinOrder === other.joinOrder &&
    isSameAddress(one.address, other.address) &&
    sameNode(one.node, other.node)
  );
}

function isPlain({ state, evidence, describedIn, isHearsay }: MemberRecord): boolean {
  return state === 'alive' && evidence === undefined && describedIn === undefined && isHearsay === undefined;
}

function isSameAddress(one: Address, other: Address): boolean {
  return one.host === other.host && one.port === other.port;
}
