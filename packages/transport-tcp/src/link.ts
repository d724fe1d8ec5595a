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
import type { Frame } from './frame.ts';
import { MAX_HANDSHAKE_BYTES } from './frame.ts';
import { FrameBatch } from './frame-batch.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { frameToJson } from './frame-json.ts';

export type OutgoingFrame = Exclude<Frame, { type: 'UNKNOWN' }>;

/** Who takes what arrives: the handshake first, then the connection. */
export interface LinkReceiver {
  frame(frame: Frame): void;
  /** The peer broke the protocol; the receiver closes the link. */
  violated(error: ClusterError): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** Called once, last, and only if this side had not closed the link. */
  lost(error?: Error): void;
}

/** How long a link that was closed may take to send what it still had. */
const FLUSH_MS = 1000;

/** Frames over one socket, in both directions; those of one turn of the event loop leave in one write. */
export class Link {
  /** What the socket calls. */
  readonly handler: SocketHandler = {
    data: (bytes) => this.#data(bytes),
    drain: () => this.#drain(),
    close: (error) => this.#closed(error),
  };
  receiver: LinkReceiver;
  /** When anything last arrived. */
  heardAt: number;
  readonly #context: TransportContext;
  readonly #decoder: FrameDecoder;
  readonly #batch = new FrameBatch();
  readonly #onGone: () => void;
  readonly #logged: boolean;
  #socket: Socket | undefined;
  #remote: string;
  #flushing = false;
  /** The socket has asked to hold back. */
  #held = false;
  #state: 'open' | 'closing' | 'gone' = 'open';
  #linger: Timer | undefined;

  /** @param onGone called once, when nothing of the link is left */
  constructor(context: TransportContext, remote: Address, receiver: LinkReceiver, onGone: () => void) {
    this.#context = context;
    this.receiver = receiver;
    this.#onGone = onGone;
    this.#remote = formatAddress(remote);
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

  /** The handshake is over: frames up to this length are taken from now on. */
  establish(name: string, maxFrameBytes: number): void {
    this.#remote = name;
    this.#decoder.limit = maxFrameBytes;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Bytes accepted for sending that the operating system has not yet. */
  get queuedBytes(): number {
    return this.#batch.bytes + (this.#socket?.bufferedBytes ?? 0);
  }

  /** Ignored once closed. */
  send(frame: OutgoingFrame): void {
    if (this.#state !== 'open') return;
    if (this.#logged) this.#log('>', frame);
    this.#batch.add(frame);
    if (this.#flushing || this.#held) return;
    this.#flushing = true;
    this.#context.clock.defer(this.#onTurn);
  }

  /** Sends a message whose payload is these parts, which won't change, and all that is queued, at once. */
  sendNow(kind: MessageKind, parts: readonly Uint8Array[], bytes: number): void {
    if (this.#state !== 'open') return;
    if (this.#logged) this.#log('>', { type: 'MESSAGE', kind, payload: concatenated(parts, bytes) });
    this.#batch.addMessage(kind, parts, bytes);
    if (!this.#held) this.#write();
  }

  /** Sends what is queued and then this frame, and closes. Nothing is received any more. */
  close(last: OutgoingFrame): void {
    if (this.#state !== 'open') return;
    this.send(last);
    this.#state = 'closing';
    this.#write();
    this.#socket?.end();
    this.#linger = this.#context.clock.setTimer(FLUSH_MS, () => this.#socket?.destroy());
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
    try {
      this.#decoder.push(bytes);
    } catch (error) {
      this.receiver.violated(toClusterError(error, 'PROTOCOL', 'a frame could not be taken'));
    }
  }

  #drain(): void {
    this.#held = false;
    this.#write();
    if (this.#state === 'open') this.receiver.drained();
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
    if (this.#socket?.write(this.#batch.take()) === false) this.#held = true;
  }

  #receive(frame: Frame): boolean {
    if (this.#logged) this.#log('<', frame);
    this.receiver.frame(frame);
    return this.#state === 'open';
  }

  #gone(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#linger?.cancel();
    this.#batch.take();
    this.#onGone();
  }

  #log(direction: '<' | '>', frame: Frame): void {
    this.#context.logger.debug(`wire ${direction} ${this.#remote} ${frameToJson(frame)}`);
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
