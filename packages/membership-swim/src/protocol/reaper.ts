import type { Changes } from './changes.ts';
import type { SwimCore } from './core.ts';
import { isLiving } from './member-table.ts';

/** How often the table is looked through, in parts of the time for which the gone are remembered. */
const LOOKS = 4;

/** Forgets who left or failed, long after nobody speaks of them any more. */
export class Reaper {
  readonly #core: SwimCore;
  readonly #changes: Changes;

  constructor(core: SwimCore, changes: Changes) {
    this.#core = core;
    this.#changes = changes;
  }

  start(): void {
    this.#core.after(this.#core.settings.forgetAfterMs / LOOKS, () => this.#look());
  }

  #look(): void {
    const { table, now, settings } = this.#core;
    if (table.places > table.living) {
      for (const member of table.members.values()) {
        if (!isLiving(member.state) && now - member.since >= settings.forgetAfterMs) this.#changes.forget(member);
      }
    }
    this.start();
  }
}
