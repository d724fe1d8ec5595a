import type { GossipTopic } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { UserRumour } from './messages.ts';

/** The most rumours of users that wait to be passed on. */
const MAX_USER_RUMOURS = 512;

/** Carries the rumours of others, beside those of members. */
export class UserRumours {
  readonly #core: SwimCore;
  #unnamed = 0;

  constructor(core: SwimCore) {
    this.#core = core;
  }

  spread(topic: GossipTopic, payload: Uint8Array, key: string | undefined): boolean {
    return this.#queue(Object.freeze({ type: 'user', topic, payload }), key);
  }

  heard(rumour: UserRumour): void {
    const verdict = this.#core.host.rumour(rumour.topic, rumour.payload);
    if (verdict.isNews) this.#queue(rumour, verdict.key);
  }

  #queue(rumour: UserRumour, key: string | undefined): boolean {
    const { queue } = this.#core;
    if (queue.users >= MAX_USER_RUMOURS) return false;
    this.#unnamed += 1;
    queue.add(key === undefined ? `u:${rumour.topic}#${this.#unnamed}` : `u:${rumour.topic}:${key}`, rumour);
    this.#core.whenQueued();
    return true;
  }
}
