import type {
  Address,
  ClusterError,
  GroupLog,
  LogStore,
  NodeId,
  Plugin,
  SnapshotInfo,
  Storage,
  System,
  Transport,
} from '@quorate/core';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import type { Message } from '@quorate/raft';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { expect } from 'vitest';
import { SnapshotTransfer } from '../../src/snapshots/snapshot-transfer.ts';
import { readTransferOptions, type SnapshotTransferOptions } from '../../src/snapshots/transfer-options.ts';

export const GROUP = 7;
export const FORMATION = 0xf0f0f0f0;
export const DIRECTORY = '/data';

export interface WorldKind {
  readonly transport: 'memory' | 'tcp';
  readonly storage: 'memory' | 'file';
}

/** A node that is nothing but the transfer of its snapshots. What it is made of is that of its present process. */
export interface TransferNode {
  readonly id: NodeId;
  readonly host: Host;
  readonly address: Address;
  /** Of which start of its host the process is that has begun to listen. */
  boot: number;
  transport: Transport;
  store: LogStore;
  transfer: SnapshotTransfer;
  /** What its groups were told of, by index. */
  readonly received: { readonly from: NodeId; readonly group: number; readonly index: number; readonly term: number }[];
  /** What its groups say to an offer. */
  accepts: boolean;
  /** What the group does with a snapshot. */
  onReceived: () => Promise<void>;
}

/** Nodes in a simulated world that are all connected to each other. */
export class TransferWorld {
  readonly world: World;
  readonly nodes: TransferNode[] = [];
  readonly #kind: WorldKind;
  readonly #network: ReturnType<typeof memoryNetwork>;

  constructor(seed: string, kind: WorldKind = { transport: 'memory', storage: 'memory' }) {
    this.world = createWorld({ seed });
    this.#kind = kind;
    this.#network = memoryNetwork({ route: this.world.route });
  }

  /** Starts these nodes, and waits until they are connected. */
  async start(ids: readonly NodeId[], options: SnapshotTransferOptions = {}): Promise<TransferNode[]> {
    for (const id of ids) this.#add(id, options);
    await this.connected();
    return this.nodes;
  }

  /** Waits until all nodes that run are connected to each other. */
  async connected(): Promise<void> {
    const running = this.nodes.filter(({ host }) => host.running);
    await this.world.runUntil(
      () =>
        running.every(
          (node) =>
            node.boot === node.host.boots &&
            running.every(({ id }) => id === node.id || node.transport?.peer(id)?.state === 'connected'),
        ),
      60_000,
    );
  }

  /** Ends the connection between two nodes, and brings another one about. */
  async reconnect(a: TransferNode, b: TransferNode): Promise<void> {
    this.world.partition(a.host, b.host);
    await this.world.runUntil(() => a.transport.peer(b.id)?.state !== 'connected', 60_000);
    await this.world.runUntil(() => b.transport.peer(a.id)?.state !== 'connected', 60_000);
    this.world.heal();
    await this.connected();
  }

  #add(id: NodeId, options: SnapshotTransferOptions): void {
    const host = this.world.host(id);
    const address = { host: host.address, port: 7000 };
    const fields = { id, host, address, received: [], accepts: true, onReceived: () => Promise.resolve() };
    const node = fields as unknown as TransferNode;
    const storage: Plugin<Storage, 'storage'> =
      this.#kind.storage === 'file' ? fileStorage({ directory: DIRECTORY }) : memoryStorage({ disk: memoryDisk() });
    this.nodes.push(node);
    host.start((system) => this.#main(system, node, storage, options));
  }

  async #main(
    system: System,
    node: TransferNode,
    storagePlugin: Plugin<Storage, 'storage'>,
    options: SnapshotTransferOptions,
  ): Promise<void> {
    const storage = storagePlugin.create({ ...system, nodeId: node.id });
    await storage.open();
    const store = storage.log as LogStore;
    await store.open();
    const self = { id: node.id, ...node.address };
    const cluster = { name: 'test', id: 'cluster-1', adopt: () => undefined };
    const context = {
      ...system,
      self,
      bind: self,
      incarnation: node.host.boots,
      cluster,
      security: { keyring: undefined, insecure: true },
      debug: new Set<string>(),
    };
    node.store = store;
    node.transport = this.#transport().create(context);
    node.transfer = new SnapshotTransfer(
      { ...system, transport: node.transport },
      readTransferOptions('test', options),
      {
        find: (group, formation) => (formation === FORMATION ? store.group(group) : undefined),
        accepts: () => node.accepts,
        received: async (from, group, _formation, message, { index }) => {
          node.received.push({ from, group, index, term: message.term });
          await node.onReceived();
        },
      },
    );
    node.transfer.listen();
    await node.transport.start();
    node.boot = node.host.boots;
    for (const other of this.nodes) if (other !== node) node.transport.addContact(other.address);
  }

  #transport(): Plugin<Transport, 'transport'> {
    if (this.#kind.transport === 'memory') return memoryTransport({ network: this.#network });
    return tcpTransport();
  }
}

export function contentOf(size: number): Uint8Array {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) content[at] = at * 31 + (at >> 8) * 7;
  return content;
}

/** Gives a node a snapshot of its own to send. */
export async function makeSnapshot(
  { world }: TransferWorld,
  node: TransferNode,
  size: number,
  { index = 100, term = 3, group = GROUP } = {},
): Promise<SnapshotInfo> {
  const about = { index, term, metadata: Uint8Array.from([index & 0xff, 2, 3]) };
  return world.settled(node.store.group(group).saveSnapshot(about, pieces(contentOf(size))), 60_000);
}

async function* pieces(content: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < content.length; at += 60_000) yield content.subarray(at, at + 60_000);
}

/** What a leader says with its snapshot. */
export function snapMessage({ index, term }: { readonly index: number; readonly term: number }): Message {
  const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  return {
    type: 'Snap',
    from: 1,
    to: 2,
    term: term + 1,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    vote: 0,
    reject: false,
    rejectHint: 0,
    context: undefined,
    snapshot: { metadata: { index, term, confState }, data: Uint8Array.from([9]) },
    responses: [],
  };
}

/** Sends a node's snapshot of a group. */
export function send(
  from: TransferNode,
  to: TransferNode,
  options: { readonly signal?: AbortSignal; readonly log?: GroupLog; readonly group?: number } = {},
): Promise<void> {
  const { group = GROUP, log = from.store.group(group), signal } = options;
  const info = log.snapshot as SnapshotInfo;
  return from.transfer.send(
    { to: to.id, group, formation: FORMATION, message: snapMessage(info), log, info },
    { signal },
  );
}

/** What it fails with; whoever asks later misses nothing. */
export function failure(promise: Promise<unknown>): Promise<ClusterError> {
  return promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as ClusterError,
  );
}

/** The log, and how many bytes of snapshots were read from it: those that are sent. */
export function countingReads(log: GroupLog): { readonly log: GroupLog; bytes: number } {
  const counted = { log, bytes: 0 };
  counted.log = new Proxy(log, {
    get: (target, name) => {
      if (name === 'readSnapshot') {
        return async (...args: Parameters<GroupLog['readSnapshot']>) => {
          const chunk = await target.readSnapshot(...args);
          counted.bytes += chunk.length;
          return chunk;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return counted;
}

/** That the node has the snapshot that was made of so many bytes, and no other. */
export async function expectContent(
  { world }: TransferWorld,
  node: TransferNode,
  info: SnapshotInfo,
  group: number = GROUP,
): Promise<void> {
  const log = node.store.group(group);
  expect(log.snapshot).toEqual(info);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < info.size; at += 1_000_000) {
    parts.push(await world.settled(log.readSnapshot(info, at, 1_000_000), 60_000));
  }
  expect(Buffer.concat(parts).equals(contentOf(info.size))).toBe(true);
}
