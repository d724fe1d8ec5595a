import type { NodeId } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { Deadline } from './deadlines.ts';
import type { LeftRumour, Message } from './messages.ts';
import type { MemberRecord } from './types.ts';
import { versionOf } from './version.ts';

/** How many are told at once. */
const BATCH = 128;

/** Tells everybody that this node leaves, until a majority of those that live has heard it. */
export class Leaving {
  readonly #core: SwimCore;
  readonly #acknowledged = new Set<NodeId>();
  readonly #sequence: number;
  readonly #rumour: LeftRumour;
  #round: Deadline | undefined;
  #isOver = false;
  /** How many answers are enough. */
  #needed = 0;

  constructor(core: SwimCore) {
    this.#core = core;
    this.#sequence = core.nextSequence();
    this.#rumour = Object.freeze({ type: 'left', id: core.selfId, ...versionOf(core.self) });
  }

  start(): void {
    this.#core.spread(this.#core.selfId, this.#rumour);
    this.#tell();
  }

  acknowledged(sequence: number, sender: NodeId): void {
    if (sequence !== this.#sequence) return;
    this.#acknowledged.add(sender);
    if (this.#isEnough()) this.#end();
  }

  #tell(): void {
    this.#needed = this.#majority();
    if (this.#isEnough()) return this.#end();
    const { table, settings } = this.#core;
    const request: Message = Object.freeze({ type: 'leave', sequence: this.#sequence });
    for (const member of table.sample(BATCH, (each) => this.#isToBeTold(each))) {
      this.#core.send(member, [request, this.#rumour]);
    }
    this.#round = this.#core.after(settings.gossipIntervalMs, () => this.#tell());
  }

  #isToBeTold({ id, state }: MemberRecord): boolean {
    return state === 'alive' && id !== this.#core.selfId && !this.#acknowledged.has(id);
  }

  #isEnough(): boolean {
    return this.#acknowledged.size >= this.#needed;
  }

  #majority(): number {
    const { table, selfId } = this.#core;
    const others = table.members.count(({ id, state }) => state === 'alive' && id !== selfId);
    return others === 0 ? 0 : Math.floor(others / 2) + 1;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#round?.cancel();
    this.#core.host.leaveAcknowledged();
  }
}
