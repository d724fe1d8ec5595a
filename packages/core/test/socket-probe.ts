import type { SocketHandler } from '../src/net.ts';

/** Gathers what a socket reports, and lets a test wait for it. */
export class SocketProbe implements SocketHandler {
  readonly events: string[] = [];
  received = '';
  error: Error | undefined;
  readonly #decoder = new TextDecoder();
  readonly closed: Promise<void>;
  #close: () => void = () => undefined;
  #wake: () => void = () => undefined;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  data(chunk: Uint8Array): void {
    this.received += this.#decoder.decode(chunk, { stream: true });
    this.#event('data');
  }

  drain(): void {
    this.#event('drain');
  }

  close(error?: Error): void {
    this.error = error;
    this.#event('close');
    this.#close();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #event(name: string): void {
    this.events.push(name);
    this.#wake();
  }
}
