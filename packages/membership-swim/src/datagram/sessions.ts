import type { Party } from './party.ts';
import { ReplayWindow } from './replay-window.ts';

/** How many datagrams of one sender may overtake another before that counts as too late. */
const WINDOW = 1024;

/** What is known of one run of a sender. Made only by datagrams that were genuine. */
export interface Session {
  readonly sender: Party;
  readonly window: ReplayWindow;
  /** The key that opened its last datagram, and of which secret. */
  opened: { readonly secret: string; readonly key: Uint8Array } | undefined;
  /** Where that came from. */
  source: string | undefined;
}

/** The senders that are told apart, at most so many: the one that was silent for longest makes way. */
export class Sessions {
  readonly #max: number;
  /** In order of their last genuine datagram. */
  readonly #sessions = new Map<string, Session>();

  constructor(max: number) {
    this.#max = max;
  }

  get(name: string): Session | undefined {
    return this.#sessions.get(name);
  }

  /** The session, made if need be, and moved to the end. */
  use(name: string, sender: Party): Session {
    const session = this.#sessions.get(name) ?? begun(sender);
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    for (const [oldest] of this.#sessions) {
      if (this.#sessions.size <= this.#max) break;
      this.#sessions.delete(oldest);
    }
    return session;
  }
}

function begun(sender: Party): Session {
  return { sender, window: new ReplayWindow(WINDOW), opened: undefined, source: undefined };
}
