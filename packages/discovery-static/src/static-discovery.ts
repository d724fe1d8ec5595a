import {
  BaseClusterDiscovery,
  checkOptions,
  type ClusterContext,
  type DiscoveredNode,
  type DiscoverySupport,
  formatAddress,
  formatNode,
  type IClusterDiscovery,
  invalidOption,
  isClusterNode,
  type LookupAnswer,
  type LookupOptions,
  parseAddress,
  parseNode,
  type Plugin,
  rule,
  settleWithin,
} from '@quorate/core';

export interface StaticDiscoveryOptions {
  /** Where nodes might be: `id@host:port`, `host:port`, or the same as an object. The node itself may be among them. */
  readonly nodes: readonly (string | DiscoveredNode)[];
}

/** The most nodes in a list. */
export const MAX_NODES = 1_000;

/**
 * Finds the nodes of a list that never changes. Nodes can't be registered.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function staticDiscovery(options: StaticDiscoveryOptions): Plugin<IClusterDiscovery, 'discovery'> {
  const { nodes } = checkOptions<StaticDiscoveryOptions>('staticDiscovery', rules, options);
  if (nodes === undefined) throw invalidOption('staticDiscovery', 'nodes', rules.nodes.expected, nodes);
  const list = nodes.map(readNode).filter((node) => node !== undefined);
  return {
    name: 'discovery-static',
    kind: 'discovery',
    requires: [],
    create: (context) => new StaticDiscovery(context, list),
  };
}

const rules = {
  nodes: rule.value<StaticDiscoveryOptions['nodes']>(
    `a list of at most ${MAX_NODES} nodes, each id@host:port, host:port or { host, port, id? }, no id at two addresses`,
    isNodeList,
  ),
};

class StaticDiscovery extends BaseClusterDiscovery {
  override readonly supports: DiscoverySupport = { registration: false, watch: 'push', createIfAbsent: false };
  readonly #nodes: readonly DiscoveredNode[];

  constructor(context: ClusterContext, nodes: readonly DiscoveredNode[]) {
    super(context, 'discovery-static');
    this.#nodes = nodes;
  }

  protected override lookup(): Promise<LookupAnswer> {
    return Promise.resolve(this.#nodes);
  }

  /** Says it once: there is nothing to poll. */
  protected override subscribe(publish: (answer: LookupAnswer) => void, { signal }: LookupOptions): Promise<void> {
    publish(this.#nodes);
    return settleWithin(signal, 'discovery-static: watch', () => () => undefined);
  }
}

function isNodeList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > MAX_NODES) return false;
  const nodes = value.map(readNode).filter((node) => node !== undefined);
  return nodes.length === value.length && isConsistent(nodes);
}

/** Whether no two entries contradict each other. The same one twice is fine. */
function isConsistent(nodes: readonly DiscoveredNode[]): boolean {
  const named = nodes.flatMap((node) => (node.id === undefined ? [] : [{ ...node, id: node.id }]));
  const ids = new Set(named.map(({ id }) => id));
  const addresses = new Set(named.map(formatAddress));
  const both = new Set(named.map(formatNode));
  return both.size === ids.size && both.size === addresses.size;
}

/** The node that an entry names, or undefined when it names none. */
function readNode(entry: unknown): DiscoveredNode | undefined {
  const node = typeof entry === 'string' ? parseEntry(entry) : entry;
  if (typeof node !== 'object' || node === null) return undefined;
  const { id, port } = node as Partial<DiscoveredNode>;
  const isNode = port !== 0 && isClusterNode({ ...node, id: id ?? 'unknown' });
  return isNode ? { ...(node as DiscoveredNode) } : undefined;
}

function parseEntry(text: string): DiscoveredNode | undefined {
  try {
    return text.includes('@') ? parseNode(text) : parseAddress(text);
  } catch {
    return undefined;
  }
}
