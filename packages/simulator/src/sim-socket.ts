import type { Address, Socket, SocketHandler } from '@quorate/core';

import { concatenate } from './concatenate.ts';
import type { SimulatedHost } from './host.ts';
import { Pipe, type PipeEnd, type Segment } from './pipe.ts';
import type { SimulatedProcess } from './process.ts';
import type { Network } from './sim-network.ts';

/** Above so many bytes waiting in the program, writers are asked to hold back. */
const HIGH_WATER_BYTES = 16 * 1024;

/** One end of a stream: the program's side of it, and the kernel's, which goes on while the program is paused. */
export class SimulatedSocket implements Socket, PipeEnd {
  readonly local: Address;
  readonly remote: Address;
  readonly #network: Network;
  readonly #host: SimulatedHost;
  readonly #process: SimulatedProcess;
  #out: Pipe | undefined;
  /** Leads here. */
  #in: Pipe | undefined;
  /** Undefined until the connection is handed to the program; what arrives waits. */
  #handler: SocketHandler | undefined;
  readonly #inbox: Uint8Array[] = [];
  #endArrived = false;
  #closed = false;
  #isHeld = false;
  #isReadDue = false;
  #wantsDrain = false;

  constructor(
    network: Network,
    owner: { readonly host: SimulatedHost; readonly process: SimulatedProcess },
    local: Address,
    remote: Address,
  ) {
    this.#network = network;
    this.#host = owner.host;
    this.#process = owner.process;
    this.local = local;
    this.remote = remote;
    network.kernel(owner.host).sockets.add(this);
  }

  /** Joins two ends that were just made. */
  static join(a: SimulatedSocket, b: SimulatedSocket): void {
    a.#out = b.#in = a.#pipeTo(b);
    b.#out = a.#in = b.#pipeTo(a);
  }

  get bufferedBytes(): number {
    return this.#out?.queuedBytes ?? 0;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#closed || !this.#process.alive) return false;
    this.#out?.write(chunks);
    this.#wantsDrain = this.bufferedBytes > HIGH_WATER_BYTES;
    return !this.#wantsDrain;
  }

  pause(): void {
    this.#isHeld = true;
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#later(() => this.#read());
  }

  end(): void {
    if (!this.#closed && this.#process.alive) this.#out?.finish();
  }

  destroy(error?: Error): void {
    if (this.#closed || !this.#process.alive) return;
    // As a kernel does when a program closes what it has not read to the end.
    if (this.#inbox.length > 0) this.#out?.reset();
    else this.#out?.abandon();
    this.#close(error);
  }

  /** Hands the connection to the program. */
  attach(handler: SocketHandler): void {
    this.#handler = handler;
    this.#later(() => this.#read());
  }

  /** The process has died. */
  crashed(isKernelAlive: boolean): void {
    this.#closed = true;
    if (isKernelAlive) this.#out?.reset();
    else this.#out?.cut();
  }

  arrive(segment: Segment): void {
    if (this.#closed) {
      if (segment !== 'reset' && segment !== 'end') this.#out?.reset();
    } else if (segment === 'reset') {
      this.#network.say(this.#host, this.#host, `socket reset, from ${this.remote.host}`);
      this.#lose('the connection was reset by the peer');
    } else {
      if (segment === 'end') this.#endArrived = true;
      else this.#inbox.push(segment.bytes);
      this.#readSoon();
    }
  }

  #pipeTo(other: SimulatedSocket): Pipe {
    const route = { from: this.#host, to: other.#host, end: other };
    return new Pipe(
      this.#network,
      route,
      () => this.#progressed(),
      () => this.#lose('the peer acknowledged nothing for too long'),
    );
  }

  /** At most one read waits, however much arrives while the program is paused. */
  #readSoon(): void {
    if (this.#isReadDue) return;
    this.#isReadDue = true;
    this.#network.engine.enter(this.#process, () => {
      this.#isReadDue = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.#closed || this.#isHeld || this.#handler === undefined) return;
    if (this.#inbox.length > 0) {
      const bytes = concatenate(this.#inbox.splice(0));
      this.#in?.take(bytes.length);
      this.#handler.data(bytes);
    }
    if (!this.#endArrived || this.#isHeld || this.#inbox.length > 0) return;
    this.#out?.finish();
    this.#closeIfOver();
  }

  #progressed(): void {
    if (this.#wantsDrain && this.bufferedBytes <= HIGH_WATER_BYTES) {
      this.#wantsDrain = false;
      this.#later(() => {
        if (!this.#closed) this.#handler?.drain();
      });
    }
    if (this.#endArrived) this.#later(() => this.#closeIfOver());
  }

  #closeIfOver(): void {
    if (this.#endArrived && this.#inbox.length === 0 && this.#out?.ended === true) this.#close();
  }

  #lose(why: string): void {
    if (this.#closed) return;
    this.#out?.cut();
    this.#close(new Error(why));
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.length = 0;
    this.#network.kernel(this.#host).sockets.delete(this);
    this.#later(() => this.#handler?.close(error));
  }

  #later(act: () => void): void {
    const { engine } = this.#network;
    engine.enterAt(engine.now, this.#process, act);
  }
}
