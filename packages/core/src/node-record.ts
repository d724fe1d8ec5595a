import { areFounders, type Charter, isCharter } from './charter.ts';
import { ClusterError } from './cluster-error.ts';
import { isNodeId, type NodeId } from './cluster-node.ts';
import type { ClusterIdentity } from './context.ts';
import type { Random } from './random.ts';
import type { RecordStore, Storage } from './storage.ts';

export interface IdentitySources {
  readonly nodeId: NodeId;
  readonly clusterName: string;
  readonly clusterId: string | undefined;
  readonly storage: Storage | undefined;
  readonly random: Random;
  /** Told when an adopted cluster id could not be stored. */
  readonly onError: (error: unknown) => void;
}

/** Who this node is in this run. */
export interface NodeIdentity {
  /** One more than in the run before, where storage is durable; else random. Stored before this is known. */
  readonly incarnation: number;
  readonly cluster: ClusterIdentity;
  /**
   * Makes this the cluster's charter, and resolves when it is stored.
   * @throws ClusterError `CLUSTER_MISMATCH` when this node belongs to another cluster, or to one of another charter;
   * `PROTOCOL` when it is no charter in its normal form; `IO`
   */
  readonly keepCharter: (charter: Charter) => Promise<void>;
  /** Resolves when nothing is being written. */
  readonly settled: () => Promise<void>;
}

const RECORD = 'node';
const FORMAT = 1;
const RANDOM_INCARNATIONS = 2 ** 48;

interface NodeRecord {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly clusterId?: string;
  /** Of the cluster's charter. */
  readonly founders?: readonly NodeId[];
}

/**
 * Reads what is stored of this node, and stores its next incarnation.
 * @throws ClusterError `INVALID_OPTIONS` when the storage is another node's, `CLUSTER_MISMATCH` when it is of another
 * cluster, `CORRUPT`, `UNSUPPORTED` when a later release wrote it, `IO`
 */
export async function loadIdentity(sources: IdentitySources): Promise<NodeIdentity> {
  const { storage, nodeId, random } = sources;
  if (storage === undefined || !storage.supports.durable) {
    return new Identity(sources, { nodeId, incarnation: random.int(RANDOM_INCARNATIONS) }, undefined);
  }
  const stored = decode(await storage.records.read(RECORD));
  if (stored !== undefined) checkOwner(stored, sources);
  const clusterId = stored?.clusterId ?? sources.clusterId;
  const incarnation = (stored?.incarnation ?? 0) + 1;
  const record = {
    nodeId,
    incarnation,
    ...(clusterId !== undefined && { clusterId }),
    ...(stored?.founders !== undefined && { founders: stored.founders }),
  };
  await storage.records.write(RECORD, encode(record));
  return new Identity(sources, record, storage.records);
}

class Identity implements NodeIdentity {
  readonly incarnation: number;
  readonly cluster: ClusterIdentity;
  readonly #sources: IdentitySources;
  readonly #records: RecordStore | undefined;
  #record: NodeRecord;
  #writing: Promise<void> = Promise.resolve();

  constructor(sources: IdentitySources, record: NodeRecord, records: RecordStore | undefined) {
    this.incarnation = record.incarnation;
    this.#sources = sources;
    this.#records = records;
    const clusterId = record.clusterId ?? sources.clusterId;
    this.#record = { ...record, ...(clusterId !== undefined && { clusterId }) };
    const current = () => this.#record;
    this.cluster = {
      name: sources.clusterName,
      get id(): string | undefined {
        return current().clusterId;
      },
      get charter(): Charter | undefined {
        const { clusterId, founders } = current();
        return clusterId === undefined || founders === undefined ? undefined : { clusterId, founders };
      },
      adopt: (adopted) => this.#adopt(adopted),
    };
  }

  readonly settled = (): Promise<void> => this.#writing;

  readonly keepCharter = async (made: Charter): Promise<void> => {
    // What is stored without being one is found damaged at the next start.
    if (!isCharter(made)) throw new ClusterError('PROTOCOL', 'what the formation came to is no charter');
    const { clusterId, founders } = made;
    const { id, charter } = this.cluster;
    if (id !== undefined && id !== clusterId) throw mismatch(`this node belongs to cluster ${id}, not to ${clusterId}`);
    if (charter !== undefined && charter.founders.join() !== founders.join()) {
      throw mismatch(
        `cluster ${clusterId} was founded by ${charter.founders.join(', ')}, not by ${founders.join(', ')}`,
      );
    }
    await this.#write({ ...this.#record, clusterId, founders });
  };

  #adopt(adopted: string): void {
    if (this.#record.clusterId !== undefined || !isNodeId(adopted)) return;
    this.#write({ ...this.#record, clusterId: adopted }).catch(this.#sources.onError);
  }

  /** One after the other, so that what is known last is what stays. */
  #write(record: NodeRecord): Promise<void> {
    this.#record = record;
    const records = this.#records;
    if (records === undefined) return Promise.resolve();
    const writing = this.#writing.then(() => records.write(RECORD, encode(record)));
    this.#writing = writing.catch(() => undefined);
    return writing;
  }
}

function checkOwner(stored: NodeRecord, { nodeId, clusterId }: IdentitySources): void {
  if (stored.nodeId !== nodeId) {
    const message = `nodeId is ${nodeId}, but the storage belongs to node ${stored.nodeId}: was it copied?`;
    throw new ClusterError('INVALID_OPTIONS', message);
  }
  if (clusterId !== undefined && stored.clusterId !== undefined && stored.clusterId !== clusterId) {
    const message = `clusterId is ${clusterId}, but the storage belongs to cluster ${stored.clusterId}`;
    throw mismatch(message);
  }
}

function mismatch(message: string): ClusterError {
  return new ClusterError('CLUSTER_MISMATCH', message);
}

function encode(record: NodeRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: FORMAT, ...record }));
}

function decode(bytes: Uint8Array | undefined): NodeRecord | undefined {
  if (bytes === undefined) return undefined;
  const value = parse(bytes);
  const { version, nodeId, incarnation, clusterId, founders } = value;
  if (typeof version === 'number' && version > FORMAT) {
    throw new ClusterError('UNSUPPORTED', `the record "${RECORD}" has format ${version}; this release reads ${FORMAT}`);
  }
  const counts = typeof incarnation === 'number' && Number.isSafeInteger(incarnation) && incarnation >= 1;
  if (version !== FORMAT || !isNodeId(nodeId) || !counts) throw damaged();
  if (clusterId === undefined) return { nodeId, incarnation };
  if (!isNodeId(clusterId)) throw damaged();
  if (founders === undefined) return { nodeId, incarnation, clusterId };
  if (!areFounders(founders)) throw damaged();
  return { nodeId, incarnation, clusterId, founders };
}

function parse(bytes: Uint8Array): Partial<Record<'version' | keyof NodeRecord, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(cause?: unknown): ClusterError {
  return new ClusterError('CORRUPT', `the record "${RECORD}" is damaged: it does not hold a node`, { cause });
}
