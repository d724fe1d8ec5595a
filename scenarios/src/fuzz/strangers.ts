import type { Address, Clock, Net, Random, Socket } from '@quorate/core';
import { withChecksum } from './checksums.ts';
import { type Conversation, spokenBy } from './conversations.ts';
import { ECHO } from './echo-traffic.ts';
import { hostileOpenings } from './hostile-hellos.ts';
import { joined, mutate, oneOf } from './mutations.ts';
import { type FrameBody, framed, parted, wireType } from './wire-frames.ts';

export interface StrangerParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly random: Random;
  /** Whom they trouble. */
  readonly targets: readonly Address[];
  readonly names: readonly string[];
  readonly cluster: string;
  /** What somebody of the cluster's name once said, to be said again in other words. */
  readonly conversations: readonly Conversation[];
}

const MAX_FLOOD = 100;
const MAX_STEP_BYTES = 4000;
const RANDOM_BYTES = 20_000;
/** So few that one comes while another is there. */
const NAMES = 6;
/** Frames of a conversation whose order is lost. */
const DRAWN = 40;

/** Who connects to a port without belonging there: one of many ways each time. */
export class Strangers {
  /** How many connections were made. */
  attempts = 0;
  readonly #parts: StrangerParts;
  readonly #attacks: readonly (() => Promise<void>)[];

  constructor(parts: StrangerParts) {
    this.#parts = parts;
    this.#attacks = [
      () => this.#say(() => [this.#replayed()]),
      () => this.#say(() => this.#inPieces(this.#replayed())),
      () => this.#say(() => this.#mutatedFrames()),
      () => this.#say(() => this.#mutatedFrames()),
      () => this.#say(() => this.#mutatedFrames()),
      () => this.#say(() => [oneOf(parts.random, this.#openings())]),
      () => this.#say(() => [mutate(parts.random, oneOf(parts.random, this.#openings()))]),
      () => this.#say(() => [parts.random.bytes(parts.random.int(RANDOM_BYTES))]),
      () => this.#trickle(),
      () => this.#flood(),
      () => this.#slowReader(),
    ];
  }

  /** One of them; never rejects. */
  async attack(): Promise<void> {
    await oneOf(this.#parts.random, this.#attacks)().catch(() => undefined);
  }

  async #connect(): Promise<Socket> {
    this.attempts += 1;
    const silent = { data: () => undefined, drain: () => undefined, close: () => undefined };
    return await this.#parts.net.connect(oneOf(this.#parts.random, this.#parts.targets), silent);
  }

  /** Connects, writes, and goes away, sooner or later, in one way or another. */
  async #say(chunks: () => readonly Uint8Array[]): Promise<void> {
    const { random, clock } = this.#parts;
    const socket = await this.#connect();
    for (const chunk of chunks()) socket.write([chunk]);
    const ends = oneOf(random, [() => socket.end(), () => socket.destroy()]);
    clock.setTimer(random.int(500), ends);
  }

  #replayed(): Uint8Array {
    const whole = (): Uint8Array => joined(this.#conversation().map((body) => framed(body)));
    return mutate(this.#parts.random, whole(), whole());
  }

  /** The handshake as it was, and then frames each of which is wrong. */
  #mutatedFrames(): readonly Uint8Array[] {
    const { random } = this.#parts;
    const [hello, ready, ...others] = this.#conversation();
    const drawn = Array.from({ length: DRAWN }, () => oneOf(random, others));
    const said = drawn.map((body) => (random.int(3) === 0 ? body : this.#altered(body, oneOf(random, others))));
    return [hello, ready, ...said].map((body) => framed(body));
  }

  /** In what it carries, under a checksum that is right; now and then in the rest too. */
  #altered(body: FrameBody, other: FrameBody): FrameBody {
    const { random } = this.#parts;
    if (random.int(20) === 0) return mutate(random, body, other);
    const [head, payload] = parted(body);
    return joined([head, withChecksum(payload, mutate(random, payload, parted(other)[1]))]);
  }

  #conversation(): Conversation {
    const { random, conversations } = this.#parts;
    return spokenBy(`stranger-${random.int(NAMES)}`, random.int(3), oneOf(random, conversations));
  }

  #openings(): readonly Uint8Array[] {
    const { random, names, cluster } = this.#parts;
    return hostileOpenings(oneOf(random, names), oneOf(random, names), cluster);
  }

  #inPieces(bytes: Uint8Array): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + this.#parts.random.int(MAX_STEP_BYTES);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    return pieces;
  }

  /** A byte now and then, for longer than anybody waits for a handshake. */
  async #trickle(): Promise<void> {
    const { clock } = this.#parts;
    const socket = await this.#connect();
    const bytes = this.#replayed();
    let at = 0;
    const drip = (): void => {
      if (at >= bytes.length) return;
      socket.write([bytes.subarray(at, (at += 1))]);
      clock.setTimer(40, drip);
    };
    drip();
  }

  /** Many connections at once, none of which says a word. */
  async #flood(): Promise<void> {
    const { random, clock } = this.#parts;
    const sockets = await Promise.allSettled(Array.from({ length: random.int(MAX_FLOOD) }, () => this.#connect()));
    clock.setTimer(random.int(3000), () => {
      for (const made of sockets) if (made.status === 'fulfilled') made.value.destroy();
    });
  }

  /** Is met, asks for much, and reads nothing of it. */
  async #slowReader(): Promise<void> {
    const { random } = this.#parts;
    const socket = await this.#connect();
    const [hello, ready] = this.#conversation();
    socket.pause();
    socket.write([framed(hello), framed(ready)]);
    for (let id = 1; id < 60; id += 1) socket.write([framed(request(id, 1 + random.int(30_000)))]);
  }
}

function request(id: number, bytes: number): FrameBody {
  const body = new Uint8Array(7 + bytes);
  const view = new DataView(body.buffer);
  view.setUint8(0, wireType.REQUEST);
  view.setUint32(1, id);
  view.setUint16(5, ECHO);
  return body;
}
