import type { Address, Clock, ClusterNode, DisconnectReason, Timer } from '@quorate/core';

import { type Frame, frameBytes, type Hello } from './frames.ts';

/** What a link tells the transport that owns it. */
export interface LinkOwner {
  readonly clock: Clock;
  /** After so long without a sign of the other end, the link has ended. */
  readonly silenceMs: number;
  /** The most bytes of messages and requests that are sent and have not arrived. */
  readonly maxQueueBytes: number;
  /** Puts a frame on its way to the other end. */
  carry(link: Link, frame: Frame): void;
  /** A frame that is not the link's own business. */
  received(link: Link, frame: Frame): void;
  /** Called once. */
  ended(link: Link, reason: DisconnectReason): void;
}

const PINGS_PER_SILENCE = 4;
const ACKNOWLEDGEMENTS_PER_QUEUE = 4;

/** One end of a connection. */
export class Link {
  readonly remote: Address;
  /** Whether this end dialled. */
  readonly dialled: boolean;
  /** Undefined until the handshake has told who is there. */
  hello: Hello | undefined;
  /** How the owner has described itself to the other end last. */
  told: ClusterNode | undefined;
  /** The other end; undefined until the dial has arrived. */
  other: Link | undefined;
  readonly #owner: LinkOwner;
  readonly #timer: { current: Timer };
  #closed = false;
  #heardAt: number;
  /** Queued bytes sent; the other end has said that `#acknowledged` of them arrived or were lost. */
  #sent = 0;
  #acknowledged = 0;
  /** The same of the other end's. */
  #received = 0;
  #told = 0;

  constructor(owner: LinkOwner, remote: Address, dialled: boolean) {
    this.#owner = owner;
    this.remote = remote;
    this.dialled = dialled;
    this.#heardAt = owner.clock.now();
    this.#timer = { current: this.#schedule() };
  }

  get closed(): boolean {
    return this.#closed;
  }

  get owner(): LinkOwner {
    return this.#owner;
  }

  /** Sends a frame that no queue holds back. */
  post(frame: Frame): void {
    if (!this.#closed) this.#owner.carry(this, frame);
  }

  /** Sends a frame of so many bytes of payload unless the queue is full; `make` gets its offset. */
  offer(bytes: number, make: (offset: number) => Frame): boolean {
    const offset = this.#sent + bytes;
    if (this.#closed || offset - this.#acknowledged > this.#owner.maxQueueBytes) return false;
    this.#sent = offset;
    this.post(make(offset));
    return true;
  }

  receive(frame: Frame): void {
    if (this.#closed) {
      // As a kernel resets what it does not know, so that no end outlives the other for long.
      if (!isLastWord(frame.type)) this.#owner.carry(this, { type: 'closed' });
      return;
    }
    this.#heardAt = this.#owner.clock.now();
    if ('offset' in frame && frame.type !== 'received') this.#count(frame.offset);
    if (frame.type === 'received') this.#acknowledged = Math.max(this.#acknowledged, frame.offset);
    else if (isLastWord(frame.type)) this.end(frame.type);
    else if (frame.type !== 'ping') this.#owner.received(this, frame);
  }

  /** Says the last word, if there is one, and ends this end. Idempotent. */
  close(reason: DisconnectReason, word?: LastWord): void {
    if (word !== undefined) this.post({ type: word });
    this.end(reason);
  }

  /** Ends this end alone. Idempotent. */
  end(reason: DisconnectReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.current.cancel();
    this.#owner.ended(this, reason);
  }

  /** The other process is gone. */
  readonly reset = (): void => this.end('closed');

  #count(offset: number): void {
    this.#received = Math.max(this.#received, offset);
    const untold = this.#received - this.#told;
    if (untold * ACKNOWLEDGEMENTS_PER_QUEUE > this.#owner.maxQueueBytes) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#told = this.#received;
    this.post({ type: 'received', offset: this.#received });
  }

  #schedule(): Timer {
    return this.#owner.clock.setTimer(this.#owner.silenceMs / PINGS_PER_SILENCE, () => this.#beat());
  }

  #beat(): void {
    this.#timer.current = this.#schedule();
    if (this.#owner.clock.now() - this.#heardAt >= this.#owner.silenceMs) this.close('timeout', 'closed');
    else if (this.#received > this.#told) this.#acknowledge();
    else if (this.hello !== undefined) this.post({ type: 'ping' });
  }
}

type LastWord = 'goodbye' | 'closed' | 'released';

function isLastWord(type: Frame['type']): type is LastWord {
  return type === 'goodbye' || type === 'closed' || type === 'released';
}

/** What a queued frame counts for. */
export function queuedBytes(payload: Uint8Array): number {
  return frameBytes({ type: 'message', kind: 0, payload, offset: 0 });
}
