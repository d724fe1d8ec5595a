import type { IClusterDiscovery, Plugin } from '@quorate/core';
import type { DiscoveryRegistry } from './discovery-registry.ts';

/** What a discovery is made from. */
export interface DiscoveryInput {
  /** Where the other nodes might be: `id@host:port` or `host:port`. */
  readonly peers: readonly string[];
  /** What the discovery asks, where it asks a third. */
  readonly registry: string | undefined;
}

/** A way for nodes to find each other. */
export interface DiscoveryChoice {
  make(input: DiscoveryInput): Plugin<IClusterDiscovery, 'discovery'>;
  /** Where a third is asked, as opposed to nodes being told of each other. */
  readonly asked?: AskedRegistry;
}

interface AskedRegistry {
  /**
   * Starts one for this run of the demo alone.
   * @throws Error when its server is not to be had
   */
  start(): Promise<DiscoveryRegistry>;
  /**
   * For how long after a node was killed it may be found: what the adapter promises for the options that it is made with
   * here, and the time that the server takes. Milliseconds.
   */
  readonly forgetsWithinMs: number;
}

interface DiscoveryEntry {
  /** What `--registry` takes; undefined where there is nothing to ask. */
  readonly place: string | undefined;
  /** Whether nodes write themselves down there. Where they can't, the demo does, with a server of its own. */
  readonly canRegister: boolean;
  /** Only what is chosen is loaded, since some clients of servers are big. */
  readonly load: () => Promise<DiscoveryChoice>;
}

/** By the names of `--discovery`. */
export const discoveries = {
  static: {
    place: undefined,
    canRegister: false,
    load: async () => (await import('./discovery-static.ts')).staticNodes,
  },
  dns: {
    place: 'name@host:port',
    canRegister: false,
    load: async () => (await import('./discovery-dns.ts')).dnsNodes,
  },
  consul: {
    place: 'http://host:port',
    canRegister: true,
    load: async () => (await import('./discovery-consul.ts')).consulNodes,
  },
  etcd: {
    place: 'http://host:port',
    canRegister: true,
    load: async () => (await import('./discovery-etcd.ts')).etcdNodes,
  },
  kubernetes: {
    place: 'service:port or selector, @kubeconfig',
    canRegister: false,
    load: async () => (await import('./discovery-kubernetes.ts')).kubernetesNodes,
  },
  multicast: {
    place: 'group:port',
    canRegister: true,
    load: async () => (await import('./discovery-multicast.ts')).multicastNodes,
  },
} as const satisfies Readonly<Record<string, DiscoveryEntry>>;

export type DiscoveryName = keyof typeof discoveries;
