import type { SimulatedHost } from './host.ts';
import { GIVE_UP_MS, type Network, RETRANSMIT_MS } from './sim-network.ts';

/** What one end sends to the other: bytes, the end of them, or that the connection is no more. */
export type Segment = { readonly bytes: Uint8Array } | 'end' | 'reset';

/** What a pipe leads to. */
export interface PipeEnd {
  /** In order, in an event of the kernel's. */
  arrive(segment: Segment): void;
}

/** Bytes sent of which the receiving program has not yet taken: the receiver's buffer. */
const WINDOW_BYTES = 64 * 1024;
const MAX_SEGMENT_BYTES = 16 * 1024;
/** The share of segments that is cut at a random byte: no protocol may count on whole writes. */
const CUT = 1 / 16;

/** One direction of a stream: reliable and in order, as fast as the window and the link allow. */
export class Pipe {
  readonly #network: Network;
  readonly #from: SimulatedHost;
  readonly #to: SimulatedHost;
  readonly #end: PipeEnd;
  readonly #onProgress: () => void;
  readonly #onGiveUp: () => void;
  /** Written and not yet sent. */
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  /** Sent, in order: arrived or not. */
  readonly #flying: Segment[] = [];
  /** Sent and not taken by the receiving program. */
  #untaken = 0;
  #ending = false;
  #closed = false;
  #lastArrival = 0;
  /** Waits for the direction to open; nothing arrives meanwhile. */
  #stalled: Disposable | undefined;
  /** Landings that are to be made up for. */
  #missed = 0;
  #unacknowledged = 0;
  #lastProgress = 0;
  #watched = false;

  /**
   * @param onProgress the queue has become shorter, or its end was sent
   * @param onGiveUp nothing was acknowledged for too long
   */
  constructor(
    network: Network,
    route: { readonly from: SimulatedHost; readonly to: SimulatedHost; readonly end: PipeEnd },
    onProgress: () => void,
    onGiveUp: () => void,
  ) {
    this.#network = network;
    this.#from = route.from;
    this.#to = route.to;
    this.#end = route.end;
    this.#onProgress = onProgress;
    this.#onGiveUp = onGiveUp;
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  /** Whether all of it, and its end, is on the way. */
  get ended(): boolean {
    return this.#ending && this.#queued === 0;
  }

  write(chunks: readonly Uint8Array[]): void {
    if (this.#ending || this.#closed) return;
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#queue.push(chunk.slice());
      this.#queued += chunk.length;
    }
    this.#send();
  }

  /** What is queued is sent first. */
  finish(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#send();
  }

  /** Forgets what is queued; what was sent arrives, and then the end. */
  abandon(): void {
    this.#queue.length = 0;
    this.#queued = 0;
    this.finish();
  }

  /** The sending end is no more: nothing is sent again. What is on the way arrives, unless the machine is off. */
  cut(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#stalled?.[Symbol.dispose]();
  }

  /** A last word, past all that waits; lost if the direction is blocked. */
  reset(): void {
    this.cut();
    const { engine, links } = this.#network;
    const delay = this.#network.delay(links.get(this.#from.name, this.#to.name));
    this.#flying.length = 0;
    engine.at(engine.now + delay, () => {
      if (!links.isBlocked(this.#from.name, this.#to.name)) this.#end.arrive('reset');
    });
  }

  /** The receiving program took bytes: told with the next way back. */
  take(bytes: number): void {
    this.#backwards(() => {
      this.#untaken -= bytes;
      this.#send();
    });
  }

  #send(): void {
    let progress = false;
    while (this.#queued > 0 && this.#untaken < WINDOW_BYTES) {
      const bytes = this.#segment(Math.min(MAX_SEGMENT_BYTES, WINDOW_BYTES - this.#untaken));
      this.#untaken += bytes.length;
      this.#launch({ bytes });
      progress = true;
    }
    if (this.#ending && this.#queued === 0 && !this.#closed) {
      this.#closed = true;
      this.#launch('end');
      progress = true;
    }
    if (progress) this.#onProgress();
  }

  #segment(limit: number): Uint8Array {
    const { random } = this.#network;
    const whole = Math.min(limit, this.#queued);
    const length = whole > 1 && random.next() < CUT ? 1 + random.int(whole - 1) : whole;
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const first = this.#queue[0] as Uint8Array;
      const part = first.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(part.length);
    }
    this.#queued -= length;
    return bytes;
  }

  #launch(segment: Segment): void {
    const { engine, links, random } = this.#network;
    const link = links.get(this.#from.name, this.#to.name);
    const again = link.loss > 0 && random.next() < link.loss ? RETRANSMIT_MS : 0;
    this.#lastArrival = Math.max(this.#lastArrival, engine.now + this.#network.delay(link) + again);
    this.#flying.push(segment);
    if (this.#unacknowledged === 0) this.#lastProgress = engine.now;
    this.#unacknowledged += 1;
    this.#watch();
    engine.at(this.#lastArrival, () => this.#land());
  }

  /** One landing is due for each segment; those that find the way blocked are made up for when it opens. */
  #land(): void {
    const { links, engine } = this.#network;
    if (this.#stalled !== undefined || links.isBlocked(this.#from.name, this.#to.name)) {
      this.#stall();
      return;
    }
    const segment = this.#flying.shift();
    if (segment === undefined || !this.#to.powered) return;
    if (typeof segment !== 'string') this.#network.sayBytes(this.#from, this.#to, segment.bytes, '');
    this.#backwards(() => {
      this.#unacknowledged -= 1;
      this.#lastProgress = engine.now;
    });
    this.#end.arrive(segment);
  }

  #stall(): void {
    this.#missed += 1;
    if (this.#stalled !== undefined) return;
    const { links, engine } = this.#network;
    this.#network.say(this.#from, this.#to, 'stream stalls');
    this.#stalled = links.whenOpen(this.#from.name, this.#to.name, () => {
      this.#stalled = undefined;
      const arrival = engine.now + this.#network.delay(links.get(this.#from.name, this.#to.name));
      this.#lastArrival = Math.max(this.#lastArrival, arrival);
      for (; this.#missed > 0; this.#missed -= 1) engine.at(arrival, () => this.#land());
    });
  }

  /** Something that the receiving kernel tells the sending one, and tells again until it gets through. */
  #backwards(told: () => void): void {
    const { engine, links } = this.#network;
    const from = this.#to.name;
    const to = this.#from.name;
    engine.at(engine.now + this.#network.delay(links.get(from, to)), () => {
      if (links.isBlocked(from, to)) links.whenOpen(from, to, told);
      else told();
    });
  }

  #watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    const { engine } = this.#network;
    const check = () => {
      // Reckoned as the time that is scheduled, so that rounding can't make it come again and again.
      const giveUpAt = engine.quantize(this.#lastProgress + GIVE_UP_MS);
      if (this.#unacknowledged === 0) this.#watched = false;
      else if (engine.now >= giveUpAt) this.#onGiveUp();
      else engine.at(giveUpAt, check);
    };
    engine.at(engine.now + GIVE_UP_MS, check);
  }
}
