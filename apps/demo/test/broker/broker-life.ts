import { type Cluster, createCluster, type Random, type Replicator } from '@quorate/core';
import { raftReplicator } from '@quorate/replicator-raft';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import { type Command, DEFAULT_QUEUE_OPTIONS, type Delivery, type Result } from '../../src/broker/commands.ts';
import type { Answer, Query, QueueStatus } from '../../src/broker/queries.ts';

type BrokerReplicator = Replicator<Command, Result, Query, Answer>;

const NAMES = ['a', 'b', 'c'];
/** A client gives up on an answer long before the delivery in it has run out, so that no answer comes too late for it. */
const CALL_MS = 1_500;
const VISIBILITY_MS = 4_000;
const OPTIONS = { ...DEFAULT_QUEUE_OPTIONS, visibilityMs: VISIBILITY_MS, maxDeliveries: 1_000 };
/** Of everything that is published. */
export const DESTINATIONS = ['plain', 'events:fifo', 'events:other'] as const;

/** What a client was told. */
interface Known {
  readonly published: Set<string>;
  /** By the queue, in the order in which they came. */
  readonly seen: Map<string, Delivery[]>;
  acknowledged: number;
  failed: number;
}

/** Three nodes with a broker, clients that use whichever is there, and faults. */
export class BrokerLife {
  readonly world: World;
  readonly known: Known = {
    published: new Set(),
    seen: new Map(DESTINATIONS.map((name) => [name, []])),
    acknowledged: 0,
    failed: 0,
  };
  restores = 0;
  readonly #clusters = new Map<string, Cluster<BrokerReplicator>>();
  readonly #machines = new Map<string, BrokerMachine>();
  readonly #random: Random;
  #isOver = false;
  #working = 0;

  constructor(seed: number) {
    this.world = createWorld({ seed, link: { latencyMs: 0.5, jitterMs: 2 } });
    this.#random = this.world.random;
    for (const name of NAMES) this.world.host(name);
  }

  async begin(): Promise<void> {
    for (const host of this.world.hosts) this.#start(host);
    await this.#must({ type: 'create-queue', queue: 'plain', options: OPTIONS });
    await this.#must({ type: 'create-topic', topic: 'events' });
    const at = { type: 'subscribe', topic: 'events' } as const;
    await this.#must({ ...at, subscription: 'fifo', options: { ...OPTIONS, fifo: true } });
    await this.#must({ ...at, subscription: 'other', options: OPTIONS });
  }

  /** Clients publish and consume for so long while nodes die and networks part. */
  async live(forMs: number): Promise<void> {
    for (const key of ['k', 'l', 'm']) this.#work(() => this.#publishInOrder(key));
    this.#work(() => this.#publishPlain());
    for (const queue of DESTINATIONS)
      for (let n = 0; n < 2; n += 1) this.#work(() => this.#consume(queue, `${queue}-${n}`));
    this.#work(() => this.#keepHouse());
    const end = this.world.now + forMs;
    while (this.world.now < end) {
      await this.world.run(500 + this.#random.next() * 1_500);
      this.#fault();
    }
  }

  /** No more faults, nothing new; what is there is consumed to the end. */
  async settle(): Promise<void> {
    this.world.heal();
    for (const host of this.world.hosts) {
      if (host.paused) host.resume();
      if (!host.running) this.#start(host);
    }
    this.#isOver = true;
    await this.world.runUntil(() => this.#working === 0 && this.#isEmpty() && this.#areEqual(), 180_000);
  }

  statuses(name: string): readonly QueueStatus[] {
    const answer = this.#machines.get(name)?.query({ type: 'queues' });
    return answer?.type === 'queues' ? answer.queues : [];
  }

  /** What each node would write into a snapshot. */
  async states(): Promise<readonly string[]> {
    return await Promise.all(NAMES.map(async (name) => await stateOf(this.#machines.get(name) as BrokerMachine)));
  }

  #start(host: Host): void {
    host.start(async (system) => {
      const cluster = createCluster<BrokerReplicator>({
        nodeId: host.name,
        bind: { host: host.address, port: 7000 },
        seedNodes: this.world.hosts.map(({ address }) => ({ host: address, port: 7000 })),
        system,
        logLevel: 'silent',
        insecure: true,
        transport: tcpTransport(),
        storage: fileStorage({ directory: '/data' }),
        replicator: raftReplicator({
          voters: NAMES,
          snapshots: { everyEntries: 60, keepEntries: 5 },
          machine: () => this.#machine(host.name),
        }),
      });
      this.#clusters.set(host.name, cluster);
      await cluster.start();
    });
  }

  #machine(name: string): BrokerMachine {
    const machine = new BrokerMachine();
    const restore = machine.restore.bind(machine);
    machine.restore = async (...args) => {
      await restore(...args);
      this.restores += 1;
    };
    this.#machines.set(name, machine);
    return machine;
  }

  #fault(): void {
    const host = this.world.hosts[this.#random.int(NAMES.length)] as Host;
    const others = this.world.hosts.filter((each) => each !== host);
    switch (this.#random.int(5)) {
      case 0:
        if (host.running) host.crash({ powerLoss: this.#random.int(2) === 0 });
        break;
      case 1:
        for (const each of this.world.hosts) if (!each.running) this.#start(each);
        break;
      case 2:
        return this.world.partition(host, others);
      case 3:
        return this.world.heal();
      default:
        if (host.running) host.stall(this.#random.int(3_000));
    }
  }

  /** One message of the key after the other: the next when the one before is known to be accepted. */
  async #publishInOrder(key: string): Promise<void> {
    for (let serial = 1; !this.#isOver; serial += 1) {
      const id = `${key}-${serial}`;
      const messages = [{ id, key, body: Buffer.from(String(serial)) }];
      await this.#untilPublished(id, { type: 'publish-to-topic', topic: 'events', messages });
    }
  }

  async #publishPlain(): Promise<void> {
    for (let serial = 1; !this.#isOver; serial += 1) {
      const id = `plain-${serial}`;
      const settings = [{ delayMs: this.#random.int(3_000) }, { priority: this.#random.int(10) }, {}][serial % 3];
      const messages = [{ id, body: Buffer.from(String(serial)), ...settings }];
      await this.#untilPublished(id, { type: 'publish', queue: 'plain', messages });
    }
  }

  async #untilPublished(id: string, command: Command): Promise<void> {
    await this.#rest(150);
    for (;;) {
      const result = await this.#call(command);
      if (result?.type === 'published') break;
      await this.#rest(100);
    }
    this.known.published.add(id);
  }

  async #consume(queue: string, consumer: string): Promise<void> {
    while (!this.#isOver || !this.#isEmpty()) {
      const result = await this.#call({ type: 'receive', queue, consumer, max: 1 + this.#random.int(5) });
      if (result?.type !== 'deliveries') continue;
      this.known.seen.get(queue)?.push(...result.deliveries);
      for (const { receipt } of result.deliveries) await this.#settle(queue, receipt);
      if (result.deliveries.length === 0) await this.#rest(100);
    }
  }

  /** Mostly done with; at times given back, or forgotten about until its time is over. */
  async #settle(queue: string, receipt: string): Promise<void> {
    const chance = this.#random.next();
    if (chance < 0.05) return;
    const receipts = [receipt];
    const result = await this.#call(
      chance < 0.1 ? { type: 'reject', queue, receipts, delayMs: 20 } : { type: 'acknowledge', queue, receipts },
    );
    if (chance >= 0.1 && result?.type === 'settled' && result.settled[0] === 'done') this.known.acknowledged += 1;
  }

  async #keepHouse(): Promise<void> {
    while (!this.#isOver) {
      await this.#call({ type: 'housekeeping', token: 1n });
      await this.#rest(2_000);
    }
  }

  #work(act: () => Promise<void>): void {
    this.#working += 1;
    void act().finally(() => (this.#working -= 1));
  }

  async #must(command: Command): Promise<void> {
    let isDone = false;
    this.#work(async () => {
      while ((await this.#call(command))?.type !== 'done') await this.#rest(100);
      isDone = true;
    });
    await this.world.runUntil(() => isDone, 30_000);
  }

  /** What some node answers; undefined when there is none, or none in time: then nobody knows what became of it. */
  async #call(command: Command): Promise<Result | undefined> {
    const there = this.world.hosts.filter(
      ({ running, name }) => running && this.#clusters.get(name)?.status === 'running',
    );
    const host = there[this.#random.int(Math.max(1, there.length))];
    const cluster = host && this.#clusters.get(host.name);
    if (cluster === undefined) return await this.#rest(200);
    try {
      return await Promise.race([
        cluster.replicator.replicate(command, { timeoutMs: CALL_MS }),
        this.#rest(2 * CALL_MS, CALL_MS),
      ]);
    } catch {
      this.known.failed += 1;
      return await this.#rest(200);
    }
  }

  /** By the time outside of all nodes, which may die. */
  #rest(mostMs: number, leastMs: number = 0): Promise<undefined> {
    const ms = leastMs + this.#random.next() * (mostMs - leastMs);
    return new Promise((resolve) => void this.world.after(ms, () => resolve(undefined)));
  }

  #isEmpty(): boolean {
    return NAMES.every((name) => {
      const statuses = this.statuses(name);
      return (
        statuses.length === DESTINATIONS.length &&
        statuses.every((each) => each.ready + each.delayed + each.inFlight === 0)
      );
    });
  }

  #areEqual(): boolean {
    const applied = NAMES.map((name) => this.#clusters.get(name)?.replicator.status().appliedIndex);
    return applied.every((each) => each === applied[0]);
  }
}

async function stateOf(machine: BrokerMachine): Promise<string> {
  const source = machine.capture();
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks({})) parts.push(chunk);
  source.release();
  return Buffer.concat(parts).toString('latin1');
}
