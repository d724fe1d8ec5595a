import { connect, type Socket } from 'node:net';
import { readLines } from './lines.ts';
import type { NodeCall, NodeOutcome, NodeReply } from './node-protocol.ts';

/** A client's connection to a node process. Calls may overlap. */
export class NodeConnection implements Disposable {
  readonly #socket: Socket;
  readonly #pending = new Map<number, (outcome: NodeOutcome) => void>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    readLines(socket, (line) => {
      const { id, ...outcome } = JSON.parse(line) as NodeReply;
      this.#settle(id, outcome);
    });
    socket.on('close', () => this.#fail('CLOSED'));
  }

  /** Undefined when nobody accepts. */
  static open(port: number): Promise<NodeConnection | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('connect', () => resolve(new NodeConnection(socket)));
      socket.on('error', () => resolve(undefined));
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** What became of it, as far as this client can tell: without an answer in time, nobody knows. Never rejects. */
  call(call: NodeCall, timeoutMs: number): Promise<NodeOutcome> {
    if (!this.isOpen) return Promise.resolve({ outcome: 'not-applied', code: 'CLOSED' });
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, { outcome: 'unknown', code: 'NO_ANSWER' }), timeoutMs);
      this.#pending.set(id, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
      this.#socket.write(`${JSON.stringify({ id, ...call })}\n`);
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #settle(id: number, outcome: NodeOutcome): void {
    const resolve = this.#pending.get(id);
    this.#pending.delete(id);
    resolve?.(outcome);
  }

  #fail(code: string): void {
    for (const id of this.#pending.keys()) this.#settle(id, { outcome: 'unknown', code });
  }
}
