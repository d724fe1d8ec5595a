import {
  type Address,
  type ClusterError,
  formatAddress,
  type MessageKind,
  type SecuredStream,
  type Socket,
  type SocketHandler,
  type Timer,
  toClusterError,
  type TransportContext,
} from '@quorate/core';
import type { FairTurns } from './fair-turns.ts';
import type { Frame } from './frame.ts';
import { MAX_HANDSHAKE_BYTES } from './frame.ts';
import { FrameBatch } from './frame-batch.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { frameToJson } from './frame-json.ts';
import type { Traffic } from './transport-instruments.ts';

export type OutgoingFrame = Exclude<Frame, { type: 'UNKNOWN' }>;

/** Who takes what arrives: the handshake first, then the connection. */
export interface LinkReceiver {
  frame(frame: Frame): void;
  /** The peer broke the protocol; the receiver closes the link. */
  violated(error: ClusterError): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** Called once, last, and only if this side had not closed the link. `PROTOCOL`: what came was altered on the way. */
  lost(error?: Error): void;
}

/** Who keeps the links. Each is called at most once. */
interface LinkKeeper {
  /** It sends its last frame. */
  closing(): void;
  /** Nothing of it is left. */
  gone(): void;
}

/** How long a link that was closed may take to send what it still had. */
const FLUSH_MS = 1000;

/** So many frames, or KiB, of one link are handled in a turn of the event loop; then it is the turn of others. */
const SHARE = 128;

/**
 * How long a link rests after each share while the peer leaves its answers unread. It doesn't rest until they are read: of two that
 * have much for each other, each would wait for the other for ever.
 */
const UNREAD_REST_MS = 50;

/** Frames over one socket, in both directions; those of one turn of the event loop leave in one write. */
export class Link {
  /** What the socket calls. */
  readonly handler: SocketHandler = {
    data: (bytes) => this.#data(bytes),
    drain: () => this.#drain(),
    close: (error) => this.#closed(error),
  };
  receiver: LinkReceiver;
  /** Where it leads to. */
  readonly remote: Address;
  /** When anything last arrived. */
  heardAt: number;
  readonly #context: TransportContext;
  readonly #turns: FairTurns;
  readonly #decoder: FrameDecoder;
  readonly #batch = new FrameBatch();
  readonly #keeper: LinkKeeper;
  readonly #traffic: Traffic;
  readonly #logged: boolean;
  #socket: Socket | undefined;
  /** What the log calls it. */
  #name: string;
  #flushing = false;
  /** The socket has asked to hold back. */
  #held = false;
  #state: 'open' | 'closing' | 'gone' = 'open';
  #linger: Timer | undefined;
  /** With so much queued the peer can't be reading. */
  #unreadBytes = Number.POSITIVE_INFINITY;
  /** What is still to be handled, while the socket is paused. */
  #backlog: Uint8Array[] | undefined;
  #waits = false;
  /** Runs while it rests because the peer doesn't read. */
  #unreadRest: Timer | undefined;
  /** The turn in which so much of a share was used. */
  #turn = -1;
  #used = 0;

  constructor(
    context: TransportContext,
    turns: FairTurns,
    remote: Address,
    receiver: LinkReceiver,
    keeper: LinkKeeper,
    traffic: Traffic,
  ) {
    this.#context = context;
    this.#turns = turns;
    this.receiver = receiver;
    this.#keeper = keeper;
    this.#traffic = traffic;
    this.remote = remote;
    this.#name = formatAddress(remote);
    this.#logged = context.debug.has('wire');
    this.heardAt = context.clock.now();
    this.#decoder = new FrameDecoder(MAX_HANDSHAKE_BYTES, (frame) => this.#receive(frame));
  }

  /** Called once, before anything is sent. */
  attach(socket: Socket): void {
    this.#socket = socket;
    this.heardAt = this.#context.clock.now();
  }

  /** What the stream was secured with. */
  get secured(): SecuredStream | undefined {
    return this.#socket?.secured;
  }

  /** The handshake is over: frames up to this length are taken from now on, and so much may be queued before it counts as unread. */
  establish(name: string, limits: { readonly maxFrameBytes: number; readonly maxQueueBytes: number }): void {
    this.#name = name;
    this.#decoder.limit = limits.maxFrameBytes;
    this.#unreadBytes = limits.maxQueueBytes;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Bytes accepted for sending that the operating system has not yet. */
  get queuedBytes(): number {
    return this.#batch.bytes + (this.#socket?.bufferedBytes ?? 0);
  }

  get #isUnread(): boolean {
    return this.queuedBytes > this.#unreadBytes;
  }

  /** Ignored once closed. */
  send(frame: OutgoingFrame): void {
    if (this.#state !== 'open') return;
    if (this.#logged) this.#log('>', frame);
    this.#batch.add(frame);
    this.#traffic.sentFrames += 1;
    if (this.#flushing || this.#held) return;
    this.#flushing = true;
    this.#context.clock.defer(this.#onTurn);
  }

  /** Sends a message whose payload is these parts, which won't change, and all that is queued, at once. */
  sendNow(kind: MessageKind, parts: readonly Uint8Array[], bytes: number): void {
    if (this.#state !== 'open') return;
    if (this.#logged) this.#log('>', { type: 'MESSAGE', kind, payload: concatenated(parts, bytes) });
    this.#batch.addMessage(kind, parts, bytes);
    this.#traffic.sentFrames += 1;
    if (!this.#held) this.#write();
  }

  /** Sends what is queued and then this frame, and closes. Nothing is received any more. */
  close(last: OutgoingFrame): void {
    if (this.#state !== 'open') return;
    this.send(last);
    this.#state = 'closing';
    this.#write();
    this.#backlog = undefined;
    this.#socket?.resume();
    this.#socket?.end();
    this.#linger = this.#context.clock.setTimer(FLUSH_MS, () => this.#socket?.destroy());
    this.#keeper.closing();
  }

  /** Closes at once, without a word. */
  destroy(): void {
    if (this.#state === 'gone') return;
    this.#state = 'closing';
    this.#socket?.destroy();
    if (this.#socket === undefined) this.#gone();
  }

  #data(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.heardAt = this.#context.clock.now();
    this.#traffic.receivedBytes += bytes.length;
    // What was read before the socket took notice of the pause.
    if (this.#backlog === undefined) this.#decode(bytes);
    else this.#backlog.push(bytes);
  }

  #decode(bytes: Uint8Array): void {
    const { turn } = this.#turns;
    if (turn !== this.#turn) [this.#turn, this.#used] = [turn, 0];
    try {
      const taken = this.#decoder.push(bytes);
      this.#used += taken >>> 10;
      if (this.#state === 'open' && this.#used >= SHARE) this.#rest(bytes.subarray(taken));
    } catch (error) {
      this.receiver.violated(toClusterError(error, 'PROTOCOL', 'a frame could not be taken'));
    }
  }

  /** It has had its share: the others first. */
  #rest(bytes: Uint8Array): void {
    if (this.#backlog === undefined) this.#socket?.pause();
    this.#backlog ??= [];
    if (bytes.length > 0) this.#backlog.unshift(bytes);
    this.#waits = true;
    if (this.#isUnread) this.#unreadRest = this.#context.clock.setTimer(UNREAD_REST_MS, this.#restEnds);
    else this.#turns.wait(this.#goOn);
  }

  readonly #restEnds = (): void => {
    if (this.#unreadRest === undefined) return;
    this.#unreadRest.cancel();
    this.#unreadRest = undefined;
    this.#turns.wait(this.#goOn);
  };

  readonly #goOn = (): void => {
    this.#waits = false;
    if (this.#state !== 'open') return;
    // What was said before was not heard before.
    this.heardAt = this.#context.clock.now();
    for (let next = this.#backlog?.shift(); next !== undefined; next = this.#backlog?.shift()) {
      this.#decode(next);
      if (this.#waits) return;
    }
    this.#backlog = undefined;
    this.#socket?.resume();
  };

  #drain(): void {
    this.#held = false;
    this.#write();
    if (this.#state === 'open') this.receiver.drained();
    if (!this.#isUnread) this.#restEnds();
  }

  #closed(error?: Error): void {
    const lost = this.#state === 'open';
    this.#gone();
    if (lost) this.receiver.lost(error);
  }

  readonly #onTurn = (): void => {
    this.#flushing = false;
    if (!this.#held) this.#write();
    if (this.#state === 'open' && !this.#held) this.receiver.drained();
  };

  #write(): void {
    if (this.#batch.bytes === 0 || this.#state === 'gone') return;
    this.#traffic.sentBytes += this.#batch.bytes;
    if (this.#socket?.write(this.#batch.take()) === false) this.#held = true;
  }

  #receive(frame: Frame): boolean {
    if (this.#logged) this.#log('<', frame);
    this.#traffic.receivedFrames += 1;
    this.receiver.frame(frame);
    this.#used += 1;
    return this.#used < SHARE && this.#state === 'open';
  }

  #gone(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#linger?.cancel();
    this.#unreadRest?.cancel();
    this.#backlog = undefined;
    this.#batch.take();
    this.#keeper.gone();
  }

  #log(direction: '<' | '>', frame: Frame): void {
    this.#context.logger.debug(`wire ${direction} ${this.#name} ${frameToJson(frame)}`);
  }
}

function concatenated(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
