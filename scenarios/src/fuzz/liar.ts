import type { Random } from '@quorate/core';
import { withChecksum, withTrailingChecksum } from './checksums.ts';
import { joined, mutate, oneOf } from './mutations.ts';
import type { StreamTap, Tap } from './tapped-system.ts';
import { type FrameBody, FrameCutter, framed, isOfHandshake, parted } from './wire-frames.ts';

export interface LiarOptions {
  readonly random: Random;
  /** Of how many frames something is wrong. */
  readonly rate: number;
  /** Whether checksums are made right again, as by one who means it; otherwise it is noise. */
  readonly fits: boolean;
}

/** Of the name of a sender, roughly. */
const SENDER_BYTES = 16;
const MAX_PLAIN_BYTES = 1300;
/** How many messages are kept to splice others with. */
const KEPT = 200;
/** Handshakes are altered less often: with whom nobody speaks can't lie. */
const HANDSHAKE_SHARE = 0.1;
const RAW_SHARE = 0.1;
const REPEATED_SHARE = 0.15;

/** Alters what a node, itself an honest one, says once it is met; where it may, under checksums that are right. */
export class Liar implements Tap {
  isLying = false;
  /** How many frames and datagrams were altered. */
  lies = 0;
  readonly #options: LiarOptions;
  readonly #kept: Uint8Array[] = [];

  constructor(options: LiarOptions) {
    this.#options = options;
  }

  stream(): StreamTap {
    const cutter = new FrameCutter();
    return (bytes) => cutter.push(bytes).flatMap((body) => [...this.#frame(body)]);
  }

  datagram(payload: Uint8Array): readonly Uint8Array[] {
    if (!this.#isTime(1)) return [payload];
    const altered = mutate(this.#options.random, payload);
    return [payload, this.#options.fits ? withTrailingChecksum(altered) : altered];
  }

  /** Behind who says so, which a seal has to do with. */
  plain(payload: Uint8Array): Uint8Array {
    if (!this.#options.fits || !this.#isTime(1)) return payload;
    const { random } = this.#options;
    const kept = random.int(2) === 0 ? SENDER_BYTES : random.int(payload.length + 1);
    return joined([payload.subarray(0, kept), mutate(random, payload.subarray(kept))]).slice(0, MAX_PLAIN_BYTES);
  }

  #frame(body: FrameBody): readonly Uint8Array[] {
    if (!this.#isTime(isOfHandshake(body) ? HANDSHAKE_SHARE : 1)) return [framed(body)];
    const { random } = this.#options;
    const kind = random.next();
    if (kind < RAW_SHARE) return [mutate(random, framed(body))];
    const altered = framed(this.#altered(body));
    return kind < RAW_SHARE + REPEATED_SHARE ? [framed(body), altered, framed(body)] : [altered];
  }

  #altered(body: FrameBody): FrameBody {
    const { random, fits } = this.#options;
    const [head, payload] = parted(body);
    const other = this.#kept.length === 0 ? payload : oneOf(random, this.#kept);
    this.#keep(payload);
    const altered = mutate(random, payload, other);
    const sent = fits ? withChecksum(payload, altered) : altered;
    return joined([head, sent]);
  }

  #keep(payload: Uint8Array): void {
    const at = this.#kept.length < KEPT ? this.#kept.length : this.#options.random.int(KEPT);
    this.#kept[at] = payload.slice();
  }

  #isTime(share: number): boolean {
    const isTime = this.isLying && this.#options.random.next() < this.#options.rate * share;
    if (isTime) this.lies += 1;
    return isTime;
  }
}
