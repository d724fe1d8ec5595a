import {
  type Cluster,
  type ClusterNode,
  createCluster,
  Keyring,
  type Membership,
  type NodeId,
  type System,
} from '@quorate/core';
import type { swimMembership, SwimMembershipOptions } from '@quorate/membership-swim';
import type { Host } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';

const PORT = 7000;

/** What is the same for all nodes of a life. */
export interface NodeSurroundings {
  readonly isSecured: boolean;
  readonly options: SwimMembershipOptions;
  /** How often a node describes itself anew, about, while the others have trouble. */
  readonly describeEveryMs: number;
  readonly isTrouble: () => boolean;
  /** Whose addresses a node is given when it starts. */
  readonly seeds: (id: NodeId) => readonly Host[];
  /** The membership, or a mutant of it. */
  readonly membership: typeof swimMembership;
  /** A node runs now. */
  readonly started: (node: MembershipNode, cluster: Cluster) => void;
}

/** A node with its secrets and, perhaps, a disk; on one host after another. */
export class MembershipNode {
  readonly id: NodeId;
  readonly isDurable: boolean;
  readonly keyring: Keyring;
  readonly #surroundings: NodeSurroundings;
  home: Host;
  /** Has been told to run, and not to stop since. */
  isWanted = false;
  /** It said that it leaves, a majority heard it, and it has not been started since. */
  hasLeft = false;
  #cluster: Cluster | undefined;
  /** How often it was started, and has described itself anew since. */
  #boots = 0;
  #turn = 0;

  constructor(id: NodeId, home: Host, isDurable: boolean, secret: string, surroundings: NodeSurroundings) {
    this.id = id;
    this.home = home;
    this.isDurable = isDurable;
    this.keyring = new Keyring({ use: secret });
    this.#surroundings = surroundings;
  }

  /** Undefined while no process of it lives. */
  get cluster(): Cluster | undefined {
    return this.home.running ? this.#cluster : undefined;
  }

  get membership(): Membership | undefined {
    const { cluster } = this;
    return cluster?.status === 'running' ? cluster.membership : undefined;
  }

  start(): void {
    const { isSecured, options, membership, seeds, started } = this.#surroundings;
    this.isWanted = true;
    this.hasLeft = false;
    this.#boots += 1;
    this.#turn = 0;
    this.home.start(async (system) => {
      const cluster = createCluster({
        nodeId: this.id,
        metadata: this.said,
        bind: { host: this.home.address, port: PORT },
        ...(isSecured ? { keyring: this.keyring } : { insecure: true }),
        seedNodes: seeds(this.id).map(({ address }) => ({ host: address, port: PORT })),
        transport: tcpTransport({ reconnect: { minMs: 100, maxMs: 2000 } }),
        membership: membership(options),
        ...(this.isDurable && { storage: fileStorage({ directory: '/data' }) }),
        logLevel: 'warn',
        system,
      });
      this.#cluster = cluster;
      started(this, cluster);
      await cluster.start();
      this.#describeInTrouble(cluster, system);
    });
  }

  /** What it says of itself now: no two times the same. */
  get said(): NonNullable<ClusterNode['metadata']> {
    return { boot: String(this.#boots), turn: String(this.#turn) };
  }

  /** Has it describe itself anew, if it runs. */
  describe(): void {
    if (this.cluster?.status !== 'running') return;
    this.#turn += 1;
    this.cluster.describe({ metadata: this.said, weight: this.#turn % 3 });
  }

  #describeInTrouble(cluster: Cluster, system: System): void {
    const { describeEveryMs, isTrouble } = this.#surroundings;
    system.clock.setTimer(describeEveryMs * (0.5 + system.random.next()), () => {
      if (this.#cluster !== cluster || cluster.status !== 'running') return;
      if (isTrouble()) this.describe();
      this.#describeInTrouble(cluster, system);
    });
  }

  /** Stops in order. Resolves to whether a majority has heard that it leaves. */
  async stop(): Promise<boolean> {
    this.isWanted = false;
    const { cluster } = this;
    if (cluster === undefined) return false;
    const isTold = await cluster.membership.leave().then(
      () => true,
      () => false,
    );
    this.hasLeft = isTold;
    await cluster.stop();
    this.#cluster = undefined;
    return isTold;
  }
}
