import { type Address, ClusterError, type TransportContext } from '@quorate/core';
import { FairTurns } from './fair-turns.ts';
import { Link, type LinkReceiver } from './link.ts';
import type { Traffic } from './transport-instruments.ts';

/** Every link that has not ended: a transport is disposed when there is none. */
export class LinkSet {
  readonly #context: TransportContext;
  readonly #turns: FairTurns;
  readonly #traffic: Traffic;
  readonly #maxParting: number;
  readonly #links = new Set<Link>();
  /** Closed, and still sending their last frame: whoever doesn't read it keeps its link for a while. The oldest first. */
  readonly #parting = new Set<Link>();
  #onEmpty: (() => void) | undefined;

  /** @param maxParting beyond it the oldest of those that still send their last frame is cut off */
  constructor(context: TransportContext, maxParting: number, traffic: Traffic) {
    this.#context = context;
    this.#maxParting = maxParting;
    this.#traffic = traffic;
    this.#turns = new FairTurns(context.clock);
  }

  /** What was given to be sent and the operating system has not yet. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const link of this.#links) bytes += link.queuedBytes;
    return bytes;
  }

  /** A link without a socket; a handshake takes it over at once. */
  make(remote: Address): Link {
    const keeper = {
      closing: () => this.#part(link),
      gone: () => {
        this.#links.delete(link);
        this.#parting.delete(link);
        if (this.#links.size === 0) this.#onEmpty?.();
      },
    };
    const link: Link = new Link(this.#context, this.#turns, remote, unclaimed, keeper, this.#traffic);
    this.#links.add(link);
    return link;
  }

  #part(link: Link): void {
    const [oldest] = this.#parting;
    this.#parting.add(link);
    if (oldest === undefined || this.#parting.size <= this.#maxParting) return;
    this.#parting.delete(oldest);
    oldest.destroy();
  }

  /** Resolves when every link has ended. */
  ended(): Promise<void> {
    if (this.#links.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}

const unclaimed: LinkReceiver = {
  frame: () => {
    throw new ClusterError('PROTOCOL', 'a frame came before its handshake');
  },
  violated: () => undefined,
  drained: () => undefined,
  lost: () => undefined,
};
