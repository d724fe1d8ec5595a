import { once as occurs } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { DirectedPipe, type LinkState } from './directed-pipe.ts';

const HOST = '127.0.0.1';
const OPEN: LinkState = { type: 'open' };

interface Connection {
  readonly dialler: string;
  readonly acceptor: string;
  readonly sockets: readonly Socket[];
  readonly pipes: readonly DirectedPipe[];
  /** Makes the connection to the acceptor, if that hasn't been done. */
  readonly dial: () => void;
}

/**
 * A TCP proxy for each ordered pair of processes: whoever dials another through it can be cut off from it, held up and
 * healed, each direction for itself. On a connection, what the dialler sends obeys the link from it to the acceptor,
 * and what it receives the link back.
 */
export class ProxyMesh implements AsyncDisposable {
  /** The ports on which the processes listen. */
  readonly #targets: ReadonlyMap<string, number>;
  /** By dialler, by acceptor. */
  readonly #servers = new Map<string, Map<string, Server>>();
  readonly #states = new Map<string, LinkState>();
  readonly #connections = new Set<Connection>();

  private constructor(targets: ReadonlyMap<string, number>) {
    this.#targets = targets;
  }

  static async create(targets: ReadonlyMap<string, number>): Promise<ProxyMesh> {
    const mesh = new ProxyMesh(targets);
    for (const from of targets.keys()) {
      mesh.#servers.set(from, new Map());
      for (const to of targets.keys()) if (to !== from) await mesh.#listen(from, to);
    }
    return mesh;
  }

  /** Where `from` has to dial instead: by the port on which another listens, the port of the proxy. */
  routesOf(from: string): ReadonlyMap<number, number> {
    const servers = [...(this.#servers.get(from) ?? [])];
    return new Map(servers.map(([to, server]) => [this.#targets.get(to) ?? 0, portOf(server)]));
  }

  state(from: string, to: string): LinkState {
    return this.#states.get(linkName(from, to)) ?? OPEN;
  }

  /** From now on, for the connections there are and those to come. */
  set(from: string, to: string, state: LinkState): void {
    this.#states.set(linkName(from, to), state);
    for (const connection of this.#connections) {
      const { dialler, acceptor } = connection;
      const isOne = (dialler === from && acceptor === to) || (dialler === to && acceptor === from);
      if (isOne) this.#proceed(connection);
    }
  }

  /** What is held passes, and new connections are made. */
  heal(from: string, to: string): void {
    if (this.state(from, to) !== OPEN) this.set(from, to, OPEN);
  }

  healAll(): void {
    for (const from of this.#targets.keys()) for (const to of this.#targets.keys()) this.heal(from, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = [...this.#servers.values()].flatMap((byAcceptor) => [...byAcceptor.values()]);
    const closed = servers.map((server) => occurs(server.close(), 'close'));
    for (const { sockets } of this.#connections) for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  }

  async #listen(from: string, to: string): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(from, to, socket));
    this.#servers.get(from)?.set(to, server.listen(0, HOST));
    await occurs(server, 'listening');
  }

  #accept(dialler: string, acceptor: string, incoming: Socket): void {
    incoming.on('error', ignore);
    if (this.#isCut(dialler, acceptor)) {
      incoming.resetAndDestroy();
      return;
    }
    const outgoing = new Socket({ allowHalfOpen: true }).setNoDelay().on('error', ignore);
    const connection: Connection = {
      dialler,
      acceptor,
      sockets: [incoming, outgoing],
      pipes: [
        new DirectedPipe(incoming, outgoing, () => this.state(dialler, acceptor)),
        new DirectedPipe(outgoing, incoming, () => this.state(acceptor, dialler)),
      ],
      dial: once(() => {
        if (!outgoing.destroyed) outgoing.connect({ host: HOST, port: this.#targets.get(acceptor) ?? 0 });
      }),
    };
    this.#connections.add(connection);
    for (const socket of connection.sockets) socket.on('close', () => this.#forget(connection));
    this.#proceed(connection);
  }

  /** Does what the links allow: to connect, and to pass on what is held. */
  #proceed({ dialler, acceptor, sockets, pipes, dial }: Connection): void {
    if (this.#isCut(dialler, acceptor)) for (const socket of sockets) socket.resetAndDestroy();
    else if (this.state(dialler, acceptor).type !== 'black-hole') dial();
    for (const pipe of pipes) pipe.pump();
  }

  /** A connection is over when both its sockets are: while it is held up, one side may not know of the other's end. */
  #forget(connection: Connection): void {
    if (connection.sockets.every(({ destroyed }) => destroyed)) this.#connections.delete(connection);
  }

  #isCut(a: string, b: string): boolean {
    return this.state(a, b).type === 'cut' || this.state(b, a).type === 'cut';
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

function linkName(from: string, to: string): string {
  return `${from} to ${to}`;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** What breaks a connection ends it, and that is passed on. */
function ignore(): void {}
