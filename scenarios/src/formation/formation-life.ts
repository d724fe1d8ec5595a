import {
  type Charter,
  type Cluster,
  createCluster,
  type LeaderElection,
  type Plugin,
  type Storage,
  type System,
} from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import type { clusterFormation } from '@quorate/formation';
import type { Host, World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { Chaos } from '../chaos.ts';
import { MAX_DRIFT } from '../parts.ts';
import { watchedStorage } from '../watched-storage.ts';
import type { FormationCharacter } from './formation-character.ts';
import { Crews } from './crews.ts';
import { FormationSource, PORT } from './formation-source.ts';
import { toldDiscovery } from './told-discovery.ts';

/** The package, or a mutant of it. */
export interface FormationParts {
  readonly clusterFormation: typeof clusterFormation;
}

/** Nodes that are started for the first time, and what they come to know of their cluster. */
export class FormationLife {
  readonly chaos: Chaos;
  readonly source: FormationSource;
  readonly #crews: Crews;
  readonly #world: World;
  readonly #parts: FormationParts;
  readonly #character: FormationCharacter;
  readonly #clusters = new Map<Host, Cluster>();
  readonly #storages = new Map<Host, Plugin<Storage, 'storage'>>();
  /** What the first node that knew said that the cluster was formed with: all others have to say the same, for ever. */
  #charter: Charter | undefined;
  #wiped = 0;
  #mayForm = true;

  constructor(world: World, character: FormationCharacter, parts: FormationParts) {
    this.#world = world;
    this.#parts = parts;
    this.#character = character;
    this.source = new FormationSource(world, character);
    for (let number = 0; number < character.nodes; number += 1) {
      const drift = (world.random.next() * 2 - 1) * MAX_DRIFT;
      world.host(String.fromCodePoint(97 + number), { drift });
    }
    this.chaos = new Chaos(world, {
      maxDrift: MAX_DRIFT,
      restart: (host) => this.start(host),
      disturb: (host) => this.source.disturb(host),
    });
    this.#crews = new Crews({ world, character, source: this.source, start: (host) => this.start(host) });
    for (const host of world.hosts) {
      this.#provide(host, '/data');
      this.source.disturb(host);
    }
  }

  get charter(): Charter | undefined {
    return this.#charter;
  }

  /** For the first time, one after the other; from then on things happen. */
  begin(): void {
    if (this.#character.crewMs === undefined) this.chaos.start();
    else this.#crews.begin();
    const { hosts, random } = this.#world;
    for (const host of hosts) {
      this.#world.after(random.next() * this.#character.startsWithinMs, () => {
        if (!host.running) this.start(host);
      });
    }
  }

  /** From now on all is well. */
  settle(): void {
    this.chaos.stop();
    this.#crews.stop();
    this.source.settle();
    this.startAll();
  }

  startAll(): void {
    for (const host of this.#world.hosts) if (!host.running) this.start(host);
  }

  start(host: Host): void {
    this.source.started(host);
    this.#clusters.delete(host);
    host.start(async (system) => {
      const cluster = this.#build(host, system);
      this.#clusters.set(host, cluster);
      await cluster.start();
    });
  }

  /** From now on nodes are started as on every day but the first; some that founded nothing have lost their disks. */
  nextDay(): readonly Host[] {
    this.#mayForm = false;
    for (const host of this.#world.hosts) host.crash();
    this.#clusters.clear();
    const others = this.#world.hosts.filter(({ name }) => this.#charter?.founders.includes(name) !== true);
    for (const host of others) this.#provide(host, `/data-${(this.#wiped += 1)}`);
    return others;
  }

  /** Whether every node is in the one cluster, and knows its leader. */
  agrees(): boolean {
    const clusters = [...this.#clusters.values()];
    if (clusters.length < this.#world.hosts.length) return false;
    const leader = clusters.find(({ isLeader }) => isLeader)?.self.id;
    return (
      leader !== undefined && clusters.every((each) => each.status === 'running' && each.leader?.nodeId === leader)
    );
  }

  async stop(): Promise<void> {
    const stopped = Promise.all([...this.#clusters.values()].map((cluster) => cluster.stop()));
    await this.#world.settled(stopped, 60_000);
  }

  #provide(host: Host, directory: string): void {
    const onWrite = (record?: string) => {
      if (this.#character.crewMs === undefined) this.chaos.onWrite(host);
      else if (record === 'formation') this.#crews.onPromise(host);
    };
    const disk = { onWrite, writeMs: () => this.chaos.writeMs(host) };
    this.#storages.set(host, watchedStorage(fileStorage({ directory }), host, disk));
  }

  #build(host: Host, system: System): Cluster {
    const { expectedNodes, marginMs, lookEveryMs } = this.#character;
    return createCluster({
      nodeId: host.name,
      name: 'scenario',
      bind: { host: host.address, port: PORT },
      insecure: true,
      transport: tcpTransport({ reconnect: { minMs: 10, maxMs: 200 } }),
      storage: this.#storages.get(host) as Plugin<Storage, 'storage'>,
      discovery: toldDiscovery(this.source),
      formation: this.#parts.clusterFormation({ expectedNodes, marginMs, lookEveryMs, mayForm: this.#forms(host) }),
      election: this.#witness(host, this.#election()),
      timings: { startTimeoutMs: 3_600_000 },
      system,
      logLevel: 'info',
    });
  }

  #forms(host: Host): boolean {
    return this.#mayForm && this.#world.hosts.indexOf(host) >= this.#character.joiners;
  }

  #election(): Plugin<LeaderElection, 'election'> {
    const options = { voters: 'founders', maxClockDrift: MAX_DRIFT } as const;
    return this.#character.election === 'raft' ? raftElection(options) : majorityElection(options);
  }

  /** An election is made when the cluster is known, and from then on the node acts as one of it. */
  #witness(host: Host, election: Plugin<LeaderElection, 'election'>): Plugin<LeaderElection, 'election'> {
    return {
      ...election,
      create: (context) => {
        this.#learned(host, context.cluster.charter);
        return election.create(context);
      },
    };
  }

  #learned(host: Host, charter: Charter | undefined): void {
    const { name } = host;
    if (charter === undefined) throw new Error(`${name} acts without a charter`);
    this.#world.note(`${name} knows ${charter.clusterId} of ${charter.founders.join()}`);
    if (this.#character.crewMs !== undefined) this.#crews.onKnown(host);
    this.#charter ??= charter;
    const { clusterId, founders } = this.#charter;
    if (charter.clusterId !== clusterId || charter.founders.join() !== founders.join()) {
      throw new Error(
        `two clusters: ${clusterId} of ${founders.join()}, ${charter.clusterId} of ${charter.founders.join()}`,
      );
    }
    const forming = this.#world.hosts.slice(this.#character.joiners).map((host) => host.name);
    if (founders.length !== this.#character.expectedNodes || !founders.every((each) => forming.includes(each))) {
      throw new Error(`${founders.join()} can't have founded a cluster`);
    }
  }
}
