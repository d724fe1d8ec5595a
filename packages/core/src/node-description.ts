import { ClusterError } from './cluster-error.ts';
import { type ClusterNode, isClusterNode, MAX_NODE_BYTES } from './cluster-node.ts';
import { textRules } from './cluster-options.ts';
import { checkOptions, type OptionRules } from './option-rules.ts';
import type { Transport } from './transport.ts';

/** What a node can say anew of itself while it runs. What is given takes the place of all that was; what is absent stays. */
export type NodeDescription = Pick<ClusterNode, 'weight' | 'metadata'>;

/** The least time between two tellings of a transport to its peers of how this node describes itself now. */
export const DESCRIPTION_INTERVAL_MS = 200;

const rules: OptionRules<NodeDescription> = { weight: textRules.weight, metadata: textRules.metadata };

/**
 * The node as it describes itself with this: a copy, which nobody changes any more.
 * @throws ClusterError `INVALID_OPTIONS`, naming what is wrong, or that it doesn't fit `MAX_NODE_BYTES`
 */
export function describedNode(self: ClusterNode, description: NodeDescription): ClusterNode {
  const { weight, metadata } = checkOptions<NodeDescription>('describe', rules, description);
  const node: ClusterNode = Object.freeze({
    ...self,
    ...(weight === undefined ? {} : { weight }),
    ...(metadata === undefined ? {} : { metadata: Object.freeze({ ...metadata }) }),
  });
  if (isClusterNode(node)) return node;
  const message = `describe: zone, region and metadata must fit ${MAX_NODE_BYTES} bytes of JSON together`;
  throw new ClusterError('INVALID_OPTIONS', message);
}

/**
 * Has the transport introduce this node so from now on: for memberships, which show it and tell the others.
 * @throws ClusterError `UNSUPPORTED` when the transport has no `describe`, `INVALID_OPTIONS`, `CLOSED`
 */
export function introduceAs(transport: Transport, description: NodeDescription): void {
  if (transport.describe === undefined) {
    throw new ClusterError('UNSUPPORTED', 'describe: this transport cannot introduce a node anew');
  }
  transport.describe(description);
}
