import type { NodeId } from '@quorate/core';
import { MAX_PRIORITY } from './group-options.ts';

/** A group that a node may stand for election in. */
interface StandingGroup {
  /** Undefined until it runs. */
  readonly running: { stand(stands: boolean): void } | undefined;
}

const NO_PRIORITIES: Readonly<Record<NodeId, number>> = {};

/** What the parts of a node that use one group want of it. */
export class GroupUsers {
  readonly #group: StandingGroup;
  readonly #priorities: Readonly<Record<NodeId, number>>;
  /** On whose behalf this node stands for election. */
  #standing: readonly object[] = [];
  /** Who needs the group to go on ticking. */
  #wakeful: Set<object> | undefined;
  #turnListeners: Set<() => void> | undefined;
  /** In the order of asking: the last of those that are left counts. */
  #preferences: Set<{ readonly of: (nodeId: NodeId) => number }> | undefined;

  /** @param priorities of nodes; 0 for all others */
  constructor(group: StandingGroup, priorities: Readonly<Record<NodeId, number>> = NO_PRIORITIES) {
    this.#group = group;
    this.#priorities = priorities;
  }

  /**
   * Whether this node stands for election, on behalf of this user of the group: it does while any of them wants it. It
   * votes in any case.
   */
  stand(user: object, stands: boolean): void {
    const others = this.#standing.filter((other) => other !== user);
    this.#standing = stands ? others.concat([user]) : others;
    this.#group.running?.stand(this.isStanding);
  }

  get isStanding(): boolean {
    return this.#standing.length > 0;
  }

  /** Keeps the group from resting when there is nothing to do: for whoever needs its lease to be renewed. */
  keepAwake(): Disposable {
    const reason = {};
    const wakeful = (this.#wakeful ??= new Set());
    wakeful.add(reason);
    return { [Symbol.dispose]: () => wakeful.delete(reason) };
  }

  get mayRest(): boolean {
    return (this.#wakeful?.size ?? 0) === 0;
  }

  /**
   * Who is wanted as leader: a node of a higher number takes over once it has caught up. Where several users say so, the
   * last one counts, and when that is disposed the one before it. It weighs more than the nodes' priorities.
   */
  prefer(preference: (nodeId: NodeId) => number): Disposable {
    const added = { of: preference };
    const preferences = (this.#preferences ??= new Set());
    preferences.add(added);
    return { [Symbol.dispose]: () => preferences.delete(added) };
  }

  /** How much it is wanted as leader: by the users, and among those whom they want alike by its priority. */
  preferenceFor(nodeId: NodeId): number {
    const preference = [...(this.#preferences ?? [])].at(-1)?.of(nodeId) ?? 0;
    const priority = Object.hasOwn(this.#priorities, nodeId) ? this.#priorities[nodeId] : undefined;
    return preference * (MAX_PRIORITY + 1) + (priority ?? 0);
  }

  /** Calls back whenever something may have happened in the group: a message, a tick, an entry that was applied. */
  onTurn(listener: () => void): Disposable {
    const listeners = (this.#turnListeners ??= new Set());
    listeners.add(listener);
    return { [Symbol.dispose]: () => listeners.delete(listener) };
  }

  turned(): void {
    if (this.#turnListeners === undefined) return;
    for (const listener of this.#turnListeners) listener();
  }
}
