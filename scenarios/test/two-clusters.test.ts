import { type Cluster, createCluster } from '@quorate/core';
import { staticDiscovery } from '@quorate/discovery-static';
import { majorityElection } from '@quorate/election-majority';
import { clusterFormation } from '@quorate/formation';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { describe, expect, it } from 'vitest';

const PORT = 7000;

/** Two nodes of each half know of each other, and two are enough for a cluster: the assumption is broken. */
class Halves {
  readonly world: World = createWorld({ seed: 'halves', link: { latencyMs: 1 } });
  readonly clusters = new Map<string, Cluster>();

  constructor() {
    for (const name of ['a', 'b', 'c', 'd']) this.world.host(name);
  }

  half(...names: readonly string[]): readonly Host[] {
    return this.world.hosts.filter(({ name }) => names.includes(name));
  }

  /** @param told of whom the source tells */
  start(host: Host, told: readonly Host[]): void {
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId: host.name,
        bind: { host: host.address, port: PORT },
        insecure: true,
        transport: tcpTransport({ reconnect: { minMs: 50, maxMs: 500 } }),
        storage: fileStorage({ directory: '/data' }),
        discovery: staticDiscovery({ nodes: told.map(({ address }) => ({ host: address, port: PORT })) }),
        formation: clusterFormation({ expectedNodes: 2, marginMs: 200, lookEveryMs: 100 }),
        election: majorityElection({ voters: 'founders' }),
        system,
        logLevel: 'silent',
      });
      this.clusters.set(host.name, cluster);
      await cluster.start();
    });
  }

  get(name: string): Cluster {
    const cluster = this.clusters.get(name);
    if (cluster === undefined) throw new Error(`${name} was not started`);
    return cluster;
  }

  /** Whom this node is connected with, but for itself. */
  peersOf(name: string): readonly string[] {
    return this.get(name)
      .transport.peers.filter(({ state }) => state === 'connected')
      .map(({ node }) => node.id);
  }

  async untilLed(): Promise<void> {
    const isLed = (names: readonly string[]) => names.some((name) => this.clusters.get(name)?.isLeader === true);
    await this.world.runUntil(() => isLed(['a', 'b']) && isLed(['c', 'd']), 20_000);
  }
}

describe('two clusters of one name', () => {
  it('refuse each other for ever, and each goes on', async () => {
    const halves = new Halves();
    const [one, other] = [halves.half('a', 'b'), halves.half('c', 'd')];
    for (const half of [one, other]) for (const host of half) halves.start(host, half);
    await halves.untilLed();
    const [first, second] = [halves.get('a').id, halves.get('c').id];
    expect(halves.get('b').id).toBe(first);
    expect(halves.get('d').id).toBe(second);
    expect(first).not.toBe(second);
    // Now all are told of all.
    for (const host of halves.world.hosts) {
      host.crash();
      halves.clusters.delete(host.name);
      halves.start(host, halves.world.hosts);
    }
    await halves.untilLed();
    const watch = halves.world.onStep(() => {
      const strangers = [...halves.clusters.keys()].flatMap((name) =>
        halves.peersOf(name).filter((peer) => 'ab'.includes(name) !== 'ab'.includes(peer)),
      );
      expect(strangers).toEqual([]);
    });
    await halves.world.run(5_000);
    watch[Symbol.dispose]();
    expect(halves.peersOf('a')).toEqual(['b']);
    expect(halves.peersOf('d')).toEqual(['c']);
    expect([halves.get('a').id, halves.get('d').id]).toEqual([first, second]);
  });
});
