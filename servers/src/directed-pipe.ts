import type { Socket } from 'node:net';

/** What becomes of bytes on their way from one process to another. */
export type LinkState =
  | { readonly type: 'open' }
  /** They arrive later, in order. */
  | { readonly type: 'delayed'; readonly ms: number }
  /** They are held, and so is the end of the stream: nobody hears anything, and all comes through once this ends. */
  | { readonly type: 'black-hole' }
  /** Connections are reset, and so are new ones. */
  | { readonly type: 'cut' };

/** Of a connection held up, this much is taken from the sender before it is held back. */
const MAX_QUEUED_BYTES = 1024 * 1024;

interface Item {
  /** Undefined: the end of the stream. */
  readonly chunk: Buffer | undefined;
  /** By `performance.now()`. */
  readonly dueAt: number;
}

/** One direction of a proxied connection. */
export class DirectedPipe {
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #state: () => LinkState;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The source is gone without a proper end: the target is to be reset when what came before is through. */
  #broken = false;

  constructor(source: Socket, target: Socket, state: () => LinkState) {
    this.#source = source;
    this.#target = target;
    this.#state = state;
    source.on('data', (chunk) => this.#enqueue(chunk));
    source.on('end', () => this.#enqueue(undefined));
    source.on('close', () => this.#break());
    target.on('drain', () => this.pump());
    target.on('connect', () => this.pump());
    target.on('close', () => this.#stop());
  }

  /** Passes on what may pass now. To be called when the state of the link has changed. */
  pump(): void {
    clearTimeout(this.#timer);
    while (this.#mayPass()) this.#passOne();
    if (this.#queuedBytes <= MAX_QUEUED_BYTES) this.#source.resume();
    if (this.#queue.length === 0 && this.#broken && this.#state().type !== 'black-hole') this.#target.resetAndDestroy();
  }

  #enqueue(chunk: Buffer | undefined): void {
    const state = this.#state();
    const delayMs = state.type === 'delayed' ? state.ms : 0;
    this.#queue.push({ chunk, dueAt: performance.now() + delayMs });
    this.#queuedBytes += chunk?.length ?? 0;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#source.pause();
    this.pump();
  }

  #mayPass(): boolean {
    const [head] = this.#queue;
    const blocked = this.#state().type === 'black-hole' || this.#target.connecting || this.#target.writableNeedDrain;
    if (head === undefined || blocked || this.#target.destroyed) return false;
    const waitMs = head.dueAt - performance.now();
    if (waitMs > 0) this.#timer = setTimeout(() => this.pump(), waitMs);
    return waitMs <= 0;
  }

  #passOne(): void {
    const item = this.#queue.shift();
    if (item?.chunk === undefined) {
      this.#target.end();
    } else {
      this.#queuedBytes -= item.chunk.length;
      this.#target.write(item.chunk);
    }
  }

  #break(): void {
    this.#broken = !this.#source.readableEnded;
    this.pump();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }
}
