import type { NodeId } from '@quorate/core';
import type { SwimChange } from '@quorate/membership-swim/protocol';
import type { ScaleNode } from './scale-node.ts';

/** Times at which something was seen. */
export interface Sightings {
  readonly count: number;
  /** Ascending. */
  readonly times: readonly number[];
  note(observer: ScaleNode, change: SwimChange, now: number): void;
}

/** When each node gave up each of those on the other side of a cut. */
export class SeveredPairs implements Sightings {
  readonly #times: number[] = [];
  readonly #seen = new Set<string>();

  get count(): number {
    return this.#seen.size;
  }

  get times(): readonly number[] {
    return this.#times;
  }

  note(observer: ScaleNode, { type, member }: SwimChange, now: number): void {
    const pair = `${observer.node.id} ${member.id}`;
    if (type !== 'failed' || this.#seen.has(pair)) return;
    this.#seen.add(pair);
    this.#times.push(now);
  }
}

/** When each node first saw a change of one kind in one member. */
export class Sighting implements Sightings {
  readonly #id: NodeId;
  readonly #type: SwimChange['type'];
  readonly #times: number[] = [];
  readonly #seen = new Set<ScaleNode>();

  constructor(id: NodeId, type: SwimChange['type']) {
    this.#id = id;
    this.#type = type;
  }

  get count(): number {
    return this.#seen.size;
  }

  /** Ascending. */
  get times(): readonly number[] {
    return this.#times;
  }

  note(observer: ScaleNode, change: SwimChange, now: number): void {
    if (change.type !== this.#type || change.member.id !== this.#id || this.#seen.has(observer)) return;
    this.#seen.add(observer);
    this.#times.push(now);
  }
}

/** Who is taken for dead and lives. */
export class FalsePositives {
  /** Times that somebody who lived was declared unreachable by one node while no other took it for that. */
  incidents = 0;
  /** The same counted at every node that came to believe it. */
  beliefs = 0;

  readonly #believers = new Map<NodeId, Set<ScaleNode>>();

  /** `isUp`: whether the member lives in truth. */
  note(observer: ScaleNode, { type, member }: SwimChange, isUp: boolean): void {
    const believers = this.#believers.get(member.id);
    if (type === 'failed' && isUp) this.#believe(observer, member.id, believers);
    else if (type === 'joined') believers?.delete(observer);
  }

  #believe(observer: ScaleNode, id: NodeId, known?: Set<ScaleNode>): void {
    const believers = known ?? new Set();
    if (known === undefined) this.#believers.set(id, believers);
    if (believers.size === 0) this.incidents += 1;
    believers.add(observer);
    this.beliefs += 1;
  }
}
