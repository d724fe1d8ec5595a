import type { Address, SecuredStream, Socket } from '@quorate/core';

import type { SimulatedSocket } from './sim-socket.ts';

/** A stream whose ends have shown each other who they are. What follows is not encrypted: nobody listens in here. */
export class SecuredSocket implements Socket {
  readonly secured: SecuredStream;
  readonly #socket: SimulatedSocket;

  constructor(socket: SimulatedSocket, secured: SecuredStream) {
    this.#socket = socket;
    this.secured = secured;
  }

  get local(): Address {
    return this.#socket.local;
  }

  get remote(): Address {
    return this.#socket.remote;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    return this.#socket.write(chunks);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }
}
