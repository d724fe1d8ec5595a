import { formatAddress } from './address.ts';
import { type ClusterNode, isClusterNode, isNodeId } from './cluster-node.ts';
import type { DiscoveredNode } from './discovery.ts';

/** The most nodes that one answer of a source may name. */
export const MAX_DISCOVERED_NODES = 10_000;

/** What is left out of a discovery's answer. */
export interface NormalizeOptions {
  /** Left out of the result: by its id where the source knows it, else by its address. */
  readonly self: ClusterNode;
  /** @default MAX_DISCOVERED_NODES */
  readonly limit?: number;
  /** Told of every entry that was left out for being no node, or too many. */
  readonly onRefused: (reason: string) => void;
}

// A stranger's text may end up in a log line: enough of it to recognise, no more.
const MAX_QUOTED = 200;

/**
 * What a source answered, made safe: only dialable addresses, each once, without this node, in order of priority and
 * address, and no more than the limit. The rest of a bad answer is kept: one broken entry doesn't hide the others.
 */
export function normalizeNodes(answer: readonly unknown[], options: NormalizeOptions): readonly DiscoveredNode[] {
  const { self, onRefused, limit = MAX_DISCOVERED_NODES } = options;
  const nodes = new Map<string, DiscoveredNode>();
  for (const entry of answer) {
    if (!isDiscoveredNode(entry)) {
      onRefused(`${quote(entry)} is not a node that can be dialled`);
    } else if (!isSelf(entry, self)) {
      const address = formatAddress(entry);
      if (!nodes.has(address) && nodes.size >= limit) {
        onRefused(`it names more than ${limit} nodes; the rest is left out`);
        break;
      }
      nodes.set(address, better(nodes.get(address), knownFields(entry)));
    }
  }
  return [...nodes].sort(inOrder).map(([, node]) => node);
}

/** Whether a value from outside names somewhere to dial; the id may be missing. */
function isDiscoveredNode(value: unknown): value is DiscoveredNode {
  if (typeof value !== 'object' || value === null) return false;
  const { id, port, priority = 0 } = value as Partial<Record<keyof DiscoveredNode, unknown>>;
  if (port === 0 || (id !== undefined && !isNodeId(id))) return false;
  if (typeof priority !== 'number' || !Number.isFinite(priority) || priority < 0) return false;
  return isClusterNode({ ...value, id: id ?? 'unknown' });
}

function knownFields({ host, port, ...rest }: DiscoveredNode): DiscoveredNode {
  const { id, zone, region, priority, weight, metadata } = rest;
  const optional = Object.entries({ id, zone, region, priority, weight, metadata }).filter(
    ([, value]) => value !== undefined,
  );
  return { host, port, ...Object.fromEntries(optional) };
}

type Entry = readonly [address: string, node: DiscoveredNode];

function inOrder([a, { priority: rankOfA = 0 }]: Entry, [b, { priority: rankOfB = 0 }]: Entry): number {
  if (rankOfA !== rankOfB) return rankOfA - rankOfB;
  return a < b ? -1 : 1;
}

function isSelf(node: DiscoveredNode, self: ClusterNode): boolean {
  return node.id === undefined ? formatAddress(node) === formatAddress(self) : node.id === self.id;
}

/** Of two entries for one address, the one that knows the id. */
function better(known: DiscoveredNode | undefined, entry: DiscoveredNode): DiscoveredNode {
  return known === undefined || (known.id === undefined && entry.id !== undefined) ? entry : known;
}

function quote(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, MAX_QUOTED);
  } catch {
    return 'a value that cannot be shown';
  }
}
