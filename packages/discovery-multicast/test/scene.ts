import {
  type Address,
  type ClusterContext,
  type ClusterNode,
  type DiscoverySnapshot,
  formatNode,
  type Logger,
  type Net,
  silentLogger,
} from '@quorate/core';
import { createWorld, type Host, type LinkOptions, type World } from '@quorate/simulator';

import { type MulticastDiscovery, multicastDiscovery, type MulticastDiscoveryOptions } from '../src/index.ts';

export const SECRET = 'a secret of the tests';
const GROUP = { host: '239.255.81.82', port: 45_981 };

/** A node with its discovery, on a host of its own or on that of another. */
export class Participant {
  readonly node: ClusterNode;
  readonly host: Host;
  readonly discovery: MulticastDiscovery;
  readonly warnings: string[] = [];
  readonly snapshots: DiscoverySnapshot[] = [];

  constructor(
    host: Host,
    id: string,
    cluster: string,
    options: MulticastDiscoveryOptions,
    more: object = {},
    net?: Net,
  ) {
    this.host = host;
    this.node = { id, host: host.address, port: 7000, ...more };
    const logger: Logger = { ...silentLogger, warn: (message) => void this.warnings.push(message) };
    const context = {
      ...host.system,
      ...(net && { net }),
      logger,
      self: this.node,
      cluster: { name: cluster },
    } as unknown;
    this.discovery = multicastDiscovery(options).create(context as ClusterContext);
  }

  /** Gathers what a watch tells from now on. */
  watch(): this {
    const read = async () => {
      for await (const snapshot of this.discovery.watch()) this.snapshots.push(snapshot);
    };
    void read();
    return this;
  }

  get told(): string | undefined {
    const last = this.snapshots.at(-1);
    return last && names(last.nodes);
  }
}

interface JoinOptions {
  /** @default one of its own */
  readonly host?: Host;
  readonly cluster?: string;
  readonly options?: MulticastDiscoveryOptions;
  /** Of the node. */
  readonly more?: object;
  /** @default its host's */
  readonly net?: Net;
}

/** Hosts in one local network. */
export class Scene {
  readonly world: World;

  constructor(seed: string, link: LinkOptions = {}) {
    this.world = createWorld({ seed, link });
  }

  host(name: string): Host {
    const host = this.world.host(name);
    host.start(() => undefined);
    return host;
  }

  /** Registered, and watching. */
  async join(
    id: string,
    { host = this.host(id), cluster = 'test', options = {}, more = {}, net }: JoinOptions = {},
  ): Promise<Participant> {
    const secret = options.insecure === true ? {} : { secret: SECRET };
    const participant = new Participant(host, id, cluster, { ...secret, ...options }, more, net).watch();
    await this.done(participant.discovery.registerNode(participant.node));
    return participant;
  }

  ask({ discovery }: Participant): Promise<string> {
    return this.done(discovery.discoverNodes().then(names));
  }

  done<T>(promise: PromiseLike<T>): Promise<T> {
    return this.world.settled(Promise.resolve(promise), 60_000);
  }

  run(ms: number): Promise<void> {
    return this.world.run(ms);
  }

  /** Hears everything that is said on a host of its own, and can say it again. */
  async sniffer(name = 'sniffer'): Promise<Sniffer> {
    const { net } = this.host(name).system;
    const heard: Heard[] = [];
    const receive = (payload: Uint8Array, from: Address) => void heard.push({ payload, from, at: this.world.now });
    const multicast = { group: GROUP.host, ttl: 1 };
    const socket = await this.done(net.bindDatagram({ host: '0.0.0.0', port: GROUP.port }, receive, { multicast }));
    return { heard, say: (payload) => socket.send(payload, GROUP) };
  }
}

interface Heard {
  readonly payload: Uint8Array;
  readonly from: Address;
  readonly at: number;
}

export interface Sniffer {
  readonly heard: Heard[];
  readonly say: (payload: Uint8Array) => void;
}

function names(nodes: DiscoverySnapshot['nodes']): string {
  return nodes
    .map(({ id = '?', host, port }) => formatNode({ id, host, port }).replace(/10\.0\.0\.|:7000/gu, ''))
    .join(' ');
}
