import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What is said to one request: pieces, the last of which may be followed by the end, by silence, or by more without end. */
export interface Lie {
  readonly bytes: Uint8Array;
  readonly ending: 'ends' | 'waits' | 'resets' | Uint8Array;
}

/** How much is sent of what has no end: more than anybody may take, and never all of it held. */
const MAX_ENDLESS_BYTES = 192 * 1024 * 1024;

/** Accepts connections on loopback and answers each piece that comes with a lie. */
export class LyingServer implements Disposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(lie: () => Lie) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', () => tell(socket, lie()));
    });
  }

  static async start(lie: () => Lie): Promise<LyingServer> {
    const lying = new LyingServer(lie);
    lying.#server.listen(0, '127.0.0.1');
    await once(lying.#server, 'listening');
    return lying;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function tell(socket: Socket, { bytes, ending }: Lie): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (ending === 'ends') socket.end(bytes);
  else socket.write(bytes);
  if (ending === 'resets') socket.resetAndDestroy();
  if (typeof ending !== 'string') pour(socket, ending);
}

function pour(socket: Socket, piece: Uint8Array): void {
  let sent = 0;
  const more = (): void => {
    while (sent < MAX_ENDLESS_BYTES && !socket.destroyed) {
      sent += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', more);
  more();
}
