import type { ClusterContext, DatagramSocket, DiscoveredNode, Net } from '@quorate/core';

import { decodeDatagram, encodeDatagram, type Message } from '../src/datagram.ts';
import { secretSeal } from '../src/seal.ts';

export const SECRET = 'a secret of the tests';
const GROUP = '239.255.81.82';
/** Differs between processes, too: on a real machine they share the group. */
let ports = 30_000 + (process.pid % 1_000) * 20;
const SESSION = '0102030405060708';
const seal = secretSeal([SECRET]);

/** Nodes of another machine, as a discovery hears them; they set no timer, and answer every question at once. */
export class ScriptedNodes implements AsyncDisposable {
  #entries: readonly unknown[] = [];
  readonly #left = new Set<string>();
  #sequence = 0;
  readonly #cluster: string;
  readonly #socket: DatagramSocket;
  /** What `netFor` does. */
  state: 'up' | 'broken' | 'stalled' = 'up';

  /** Of its own, so that several in one world don't hear each other. */
  get port(): number {
    return this.#socket.address.port;
  }

  private constructor(cluster: string, socket: DatagramSocket) {
    this.#cluster = cluster;
    this.#socket = socket;
  }

  static async open(
    { net, cluster }: ClusterContext,
    where: { readonly interface?: string; readonly ttl: number } = { ttl: 1 },
  ): Promise<ScriptedNodes> {
    const receive = (payload: Uint8Array) => {
      const datagram = decodeDatagram(payload, cluster.name, seal);
      if (typeof datagram !== 'string' && datagram.message.kind === 'ask') nodes.#announce();
    };
    const multicast = { group: GROUP, ...where };
    ports += 1;
    const socket = await net.bindDatagram({ host: '0.0.0.0', port: ports }, receive, { multicast });
    const nodes = new ScriptedNodes(cluster.name, socket);
    return nodes;
  }

  publish(nodes: readonly DiscoveredNode[]): void {
    for (const { id = '' } of this.#entries as readonly DiscoveredNode[]) this.#left.add(id);
    for (const { id = '' } of nodes) this.#left.delete(id);
    this.#entries = nodes;
    this.#announce();
  }

  publishRaw(entries: readonly unknown[]): void {
    this.#entries = entries;
    this.#announce();
  }

  /** The network as a discovery under test gets it. */
  netFor(net: Net): Net {
    return {
      connect: (...args) => net.connect(...args),
      listen: (...args) => net.listen(...args),
      bindDatagram: async (address, receive, options) => {
        if (this.state === 'stalled') return await new Promise(() => undefined);
        if (this.state === 'broken') throw new Error('no such interface');
        const socket = await net.bindDatagram(
          address,
          (payload, from) => this.state === 'up' && receive(payload, from),
          options,
        );
        return {
          address: socket.address,
          send: (payload, to) => void (this.state === 'up' && socket.send(payload, to)),
          [Symbol.asyncDispose]: () => Promise.resolve(socket[Symbol.asyncDispose]()),
        };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }

  /** Goodbyes are repeated, for a discovery that could not hear the first. */
  #announce(): void {
    for (const id of this.#left) this.#say({ kind: 'goodbye', id });
    for (const node of this.#entries) this.#say({ kind: 'announce', node, intervalMs: 60_000 } as Message);
  }

  #say(message: Message): void {
    this.#sequence += 1;
    const datagram = { session: SESSION, sequence: this.#sequence, message };
    this.#socket.send(encodeDatagram(datagram, this.#cluster, seal), { host: GROUP, port: this.port });
  }
}
