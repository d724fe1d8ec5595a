import type { Address, System, Transport, TransportEvent } from '@quorate/core';
import { memoryNetwork, memoryTransport, type MemoryTransportOptions } from '@quorate/memory';

import { createWorld, type Host, type World, type WorldOptions } from '../src/index.ts';

export const KIND = 1024;

/** A node that is nothing but its transport. */
export interface TestNode {
  readonly host: Host;
  readonly address: Address;
  /** Of the present process. */
  transport: Transport;
  readonly events: string[];
  readonly received: string[];
  /** Its cluster's id, as it knows it. */
  clusterId: string | undefined;
}

export interface NodeOptions extends Partial<Omit<MemoryTransportOptions, 'network'>> {
  readonly id?: string;
  readonly cluster?: string;
  readonly clusterId?: string;
  readonly contacts?: readonly Address[];
  readonly incarnation?: number;
  readonly prepare?: (transport: Transport, system: System) => void;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export class MemoryCluster {
  readonly world: World;
  readonly #network: ReturnType<typeof memoryNetwork>;

  constructor(options: WorldOptions) {
    this.world = createWorld(options);
    this.#network = memoryNetwork({ route: this.world.route });
  }

  /** Starts a node on a host of its own; what it throws at start ends the run. */
  node(name: string, options: NodeOptions = {}): TestNode {
    const host = this.world.host(name);
    const address = { host: host.address, port: 7000 };
    const node = { host, address, events: [], received: [], clusterId: options.clusterId } as unknown as TestNode;
    host.start((system) => this.#main(system, node, options));
    return node;
  }

  /** Two nodes of which the first has the second as its contact, connected. */
  async pair(a: NodeOptions = {}, b: NodeOptions = {}): Promise<[TestNode, TestNode]> {
    const second = this.node('b', b);
    const first = this.node('a', { ...a, contacts: [second.address] });
    await this.world.runUntil(() => isConnected(first, 'b') && isConnected(second, 'a'), 10_000);
    return [first, second];
  }

  async #main(system: System, node: TestNode, options: NodeOptions): Promise<void> {
    const { id = node.host.name, cluster = 'test', contacts = [], incarnation, prepare, ...rest } = options;
    const { clusterId: _given, ...settings } = rest;
    const adopt = (adopted: string) => {
      node.clusterId = adopted;
    };
    const self = { id, ...node.address };
    const context = {
      ...system,
      self,
      bind: self,
      incarnation: incarnation ?? node.host.boots,
      cluster: {
        name: cluster,
        get id() {
          return node.clusterId;
        },
        adopt,
      },
      security: { keyring: undefined, insecure: true },
      debug: new Set<string>(),
    };
    node.transport = memoryTransport({ network: this.#network, ...settings }).create(context);
    node.transport.onMessage(KIND, (from, payload) => node.received.push(`${from}: ${textOf(payload)}`));
    prepare?.(node.transport, system);
    void collect(node);
    await node.transport.start();
    for (const contact of contacts) node.transport.addContact(contact);
  }
}

export function isConnected(node: TestNode, id: string): boolean {
  return node.transport?.peer(id)?.state === 'connected';
}

async function collect(node: TestNode): Promise<void> {
  for await (const event of node.transport.watch()) node.events.push(describe(event));
}

function describe(event: TransportEvent): string {
  switch (event.type) {
    case 'connected':
    case 'described':
      return `${event.type} ${event.peer.node.id}`;
    case 'disconnected':
      return `disconnected ${event.peer.node.id} ${event.reason}`;
    case 'unreachable':
    case 'refused':
      return `${event.type} ${event.error.code}`;
  }
}
