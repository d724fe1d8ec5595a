import { type Address, ClusterError, type TransportContext } from '@quorate/core';
import { FairTurns } from './fair-turns.ts';
import { Link, type LinkReceiver } from './link.ts';

/** Every link that has not ended: a transport is disposed when there is none. */
export class LinkSet {
  readonly #context: TransportContext;
  readonly #turns: FairTurns;
  readonly #links = new Set<Link>();
  #onEmpty: (() => void) | undefined;

  constructor(context: TransportContext) {
    this.#context = context;
    this.#turns = new FairTurns(context.clock);
  }

  /** A link without a socket; a handshake takes it over at once. */
  make(remote: Address): Link {
    const link: Link = new Link(this.#context, this.#turns, remote, unclaimed, () => {
      this.#links.delete(link);
      if (this.#links.size === 0) this.#onEmpty?.();
    });
    this.#links.add(link);
    return link;
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
