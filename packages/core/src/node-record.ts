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
  const record = { nodeId, incarnation, ...(clusterId === undefined ? {} : { clusterId }) };
  await storage.records.write(RECORD, encode(record));
  return new Identity(sources, record, storage.records);
}

class Identity implements NodeIdentity {
  readonly incarnation: number;
  readonly cluster: ClusterIdentity;
  #writing: Promise<void> = Promise.resolve();

  constructor(sources: IdentitySources, record: NodeRecord, records: RecordStore | undefined) {
    let id = record.clusterId ?? sources.clusterId;
    this.incarnation = record.incarnation;
    this.cluster = {
      name: sources.clusterName,
      get id(): string | undefined {
        return id;
      },
      adopt: (adopted) => {
        if (id !== undefined || !isNodeId(adopted)) return;
        id = adopted;
        if (records === undefined) return;
        const bytes = encode({ ...record, clusterId: adopted });
        this.#writing = records.write(RECORD, bytes).catch(sources.onError);
      },
    };
  }

  readonly settled = (): Promise<void> => this.#writing;
}

function checkOwner(stored: NodeRecord, { nodeId, clusterId }: IdentitySources): void {
  if (stored.nodeId !== nodeId) {
    const message = `nodeId is ${nodeId}, but the storage belongs to node ${stored.nodeId}: was it copied?`;
    throw new ClusterError('INVALID_OPTIONS', message);
  }
  if (clusterId !== undefined && stored.clusterId !== undefined && stored.clusterId !== clusterId) {
    const message = `clusterId is ${clusterId}, but the storage belongs to cluster ${stored.clusterId}`;
    throw new ClusterError('CLUSTER_MISMATCH', message);
  }
}

function encode(record: NodeRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: FORMAT, ...record }));
}

function decode(bytes: Uint8Array | undefined): NodeRecord | undefined {
  if (bytes === undefined) return undefined;
  const value = parse(bytes);
  const { version, nodeId, incarnation, clusterId } = value;
  if (typeof version === 'number' && version > FORMAT) {
    throw new ClusterError('UNSUPPORTED', `the record "${RECORD}" has format ${version}; this release reads ${FORMAT}`);
  }
  const counts = typeof incarnation === 'number' && Number.isSafeInteger(incarnation) && incarnation >= 1;
  if (version !== FORMAT || !isNodeId(nodeId) || !counts) throw damaged();
  if (clusterId === undefined) return { nodeId, incarnation };
  if (!isNodeId(clusterId)) throw damaged();
  return { nodeId, incarnation, clusterId };
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
