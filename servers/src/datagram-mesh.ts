import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { LinkState } from './directed-pipe.ts';

const HOST = '127.0.0.1';

/** What a datagram mesh stands beside: `ProxyMesh`, whose links and ports it shares. */
export interface DatagramLinks {
  routesOf(from: string): ReadonlyMap<number, number>;
  state(from: string, to: string): LinkState;
}

/**
 * A relay of UDP for each ordered pair of processes, at the ports and under the links of a proxy mesh. What `from` sends to
 * the port of its relay to `to` comes to `to` from the port of its own relay back, so that each knows the other by the port
 * it would send to. What a link holds up or cuts is lost.
 */
export class DatagramMesh implements AsyncDisposable {
  readonly #links: DatagramLinks;
  readonly #targets: ReadonlyMap<string, number>;
  /** By sender, by receiver. */
  readonly #sockets = new Map<string, Map<string, Socket>>();
  readonly #delayed = new Set<NodeJS.Timeout>();

  private constructor(targets: ReadonlyMap<string, number>, links: DatagramLinks) {
    this.#targets = targets;
    this.#links = links;
  }

  /**
   * @param targets the ports on which the processes are
   * @throws Error where a port is taken for UDP
   */
  static async create(targets: ReadonlyMap<string, number>, links: DatagramLinks): Promise<DatagramMesh> {
    const mesh = new DatagramMesh(targets, links);
    try {
      for (const from of targets.keys()) {
        mesh.#sockets.set(from, new Map());
        for (const to of targets.keys()) if (to !== from) await mesh.#bind(from, to);
      }
    } catch (error) {
      await mesh[Symbol.asyncDispose]();
      throw error;
    }
    return mesh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#delayed) clearTimeout(timer);
    const sockets = [...this.#sockets.values()].flatMap((byReceiver) => [...byReceiver.values()]);
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async #bind(from: string, to: string): Promise<void> {
    const port = this.#links.routesOf(from).get(this.#targets.get(to) ?? 0);
    const socket = createSocket('udp4');
    try {
      await once(socket.bind({ address: HOST, port, exclusive: true }), 'listening');
    } catch (error) {
      socket.close();
      throw error;
    }
    // A receiver that isn't there makes errors on some systems: what is sent to it is lost.
    socket.on('error', () => undefined);
    socket.on('message', (payload, sender) => {
      if (sender.port === this.#targets.get(from)) this.#take(from, to, payload);
    });
    this.#sockets.get(from)?.set(to, socket);
  }

  #take(from: string, to: string, payload: Buffer): void {
    const state = this.#links.state(from, to);
    if (state.type === 'open') this.#pass(from, to, payload);
    if (state.type !== 'delayed') return;
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.#pass(from, to, payload);
    }, state.ms);
    this.#delayed.add(timer);
  }

  #pass(from: string, to: string, payload: Buffer): void {
    this.#sockets
      .get(to)
      ?.get(from)
      ?.send(payload, this.#targets.get(to) ?? 0, HOST, () => undefined);
  }
}
