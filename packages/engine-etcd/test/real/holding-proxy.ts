import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut: what is open breaks, and what is opened then waits until the way is mended. */
export class HoldingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: URL;
  readonly #open = new Set<Socket>();
  readonly #servers = new Set<Socket>();
  readonly #held: Socket[] = [];
  #isCut = false;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async to(target: string): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(target);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections of clients that are there now. */
  get connections(): number {
    return this.#open.size;
  }

  /** Resolves when the last client has hung up. */
  async drained(): Promise<void> {
    while (this.#open.size > 0) {
      const [socket] = this.#open;
      if (socket !== undefined && !socket.destroyed) await once(socket, 'close');
    }
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.destroy();
  }

  /** What is open stays so, and carries nothing any more: as when a path is lost without a trace. */
  freeze(): void {
    for (const socket of this.#open) socket.unpipe().pause();
    for (const server of this.#servers) server.unpipe().pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const socket of this.#held.splice(0)) this.#forward(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await once(this.#server.close(), 'close');
  }

  #accept(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => undefined);
    if (this.#isCut) this.#held.push(socket);
    else this.#forward(socket);
  }

  #forward(socket: Socket): void {
    if (socket.destroyed) return;
    const server = connect(Number(this.#target.port), this.#target.hostname);
    this.#servers.add(server);
    server.on('error', () => socket.destroy());
    server.once('close', () => {
      this.#servers.delete(server);
      socket.destroy();
    });
    socket.once('close', () => server.destroy());
    socket.pipe(server).pipe(socket);
  }
}
