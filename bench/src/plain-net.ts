import { connect, createServer, type Socket } from 'node:net';

/** What anybody would write by hand: u32 length, u32 id, payload; one write a frame. Id 0 is not answered. */
export class PlainConnection {
  readonly #socket: Socket;
  readonly #onFrame: (id: number, payload: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, onFrame: (id: number, payload: Buffer) => void) {
    this.#socket = socket.setNoDelay(true);
    this.#onFrame = onFrame;
    socket.on('data', (chunk) => this.#data(chunk));
    socket.on('error', () => undefined);
  }

  /** False: wait for `drained`. */
  send(id: number, payload: Uint8Array): boolean {
    const frame = Buffer.allocUnsafe(8 + payload.length);
    frame.writeUInt32BE(4 + payload.length, 0);
    frame.writeUInt32BE(id, 4);
    frame.set(payload, 8);
    return this.#socket.write(frame);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => void this.#socket.once('drain', resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #data(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      this.#onFrame(bytes.readUInt32BE(at + 4), bytes.subarray(at + 8, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}

export function listenPlain(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

export function connectPlain(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  return new Promise((resolve) => void socket.once('connect', () => resolve(socket)));
}
