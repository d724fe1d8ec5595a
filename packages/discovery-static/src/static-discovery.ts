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
  type OptionRules,
  parseAddress,
  parseNode,
  type Plugin,
  rule,
  settleWithin,
} from '@quorate/core';

/** What `staticDiscovery` is told. */
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
  const { nodes }: Partial<CheckedOptions> = checkOptions<CheckedOptions>('staticDiscovery', rules, options);
  if (nodes === undefined) throw invalidOption('staticDiscovery', 'nodes', rules.nodes.expected, nodes);
  checkTogether(nodes);
  return {
    name: 'discovery-static',
    kind: 'discovery',
    requires: [],
    create: (context) => new StaticDiscovery(context, nodes),
  };
}

interface CheckedOptions {
  readonly nodes: readonly DiscoveredNode[];
}

const rules: OptionRules<CheckedOptions> = {
  nodes: rule.list({ expected: 'id@host:port, host:port or { host, port, id? }', accept: readNode }),
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

/** The same entry twice is fine; one id at two addresses, or two ids at one, is not. */
function checkTogether(nodes: readonly DiscoveredNode[]): void {
  const refuse = (expected: string, got: unknown) => invalidOption('staticDiscovery', 'nodes', expected, got);
  if (nodes.length > MAX_NODES) throw refuse(`at most ${MAX_NODES} nodes`, nodes.length);
  const byId = new Map<string, string>();
  const byAddress = new Map<string, string>();
  for (const node of nodes) {
    if (node.id === undefined) continue;
    const text = formatNode({ ...node, id: node.id });
    const other = [byId.get(node.id), byAddress.get(formatAddress(node))].find((seen) => (seen ?? text) !== text);
    if (other !== undefined) throw refuse('nodes with one id at one address', `${other} and ${text}`);
    byId.set(node.id, text);
    byAddress.set(formatAddress(node), text);
  }
}

/** The node that an entry names, or undefined when it names none. */
function readNode(entry: unknown): DiscoveredNode | undefined {
  const node = typeof entry === 'string' ? parseEntry(entry) : entry;
  if (typeof node !== 'object' || node === null) return undefined;
  const { id, port } = node as Partial<DiscoveredNode>;
  const isNode = port !== 0 && isClusterNode({ ...node, id: id ?? 'unknown' });
  return isNode ? copyOf(node as DiscoveredNode) : undefined;
}

function copyOf(node: DiscoveredNode): DiscoveredNode {
  return { ...node, ...(node.metadata && { metadata: { ...node.metadata } }) };
}

function parseEntry(text: string): DiscoveredNode | undefined {
  try {
    return text.includes('@') ? parseNode(text) : parseAddress(text);
  } catch {
    return undefined;
  }
}
