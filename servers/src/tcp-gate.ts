import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

/** The way to a server, on loopback: it can be cut, and it can swallow what goes in either direction. */
export class TcpGate implements AsyncDisposable {
  readonly #server: Server;
  #target: number;
  readonly #sockets = new Set<Socket>();
  #state: 'open' | 'cut' | 'stalled' = 'open';

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @param target the server's port on loopback */
  static async open(target: number): Promise<TcpGate> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpGate(server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections through it now. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Ends every connection, and each new one at once. */
  cut(): void {
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Connections stay, and take new ones, but nothing gets through. */
  stall(): void {
    this.#state = 'stalled';
    for (const socket of this.#sockets) socket.pause();
  }

  reopen(): void {
    this.#state = 'open';
    for (const socket of this.#sockets) socket.resume();
  }

  /** New connections are to go to this port of loopback. */
  leadTo(target: number): void {
    this.#target = target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(from: Socket): void {
    if (this.#state === 'cut') {
      from.destroy();
      return;
    }
    const to = createConnection(this.#target, '127.0.0.1');
    for (const [source, sink] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(source);
      source.on('data', (data: Buffer) => void sink.write(data));
      source.on('error', () => undefined);
      source.on('end', () => sink.end());
      source.on('close', () => {
        this.#sockets.delete(source);
        sink.destroy();
      });
      if (this.#state === 'stalled') source.pause();
    }
  }
}
