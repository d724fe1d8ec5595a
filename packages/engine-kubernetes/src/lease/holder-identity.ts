import { isNodeId, type NodeId } from '@quorate/core';
import type { LeaseIdentity } from '@quorate/lease';

const OURS = /^(.+)_\d{1,16}-\d{1,16}$/u;
/** More of what a stranger calls itself isn't shown. */
const MAX_SHOWN = 256;

/** The `holderIdentity` of a node: `ID_INCARNATION-CLAIM`. As client-go recommends, no two runs have the same. */
export function formatHolder({ nodeId, incarnation, claim }: LeaseIdentity): string {
  return `${nodeId}_${incarnation}-${claim}`;
}

/** The node of a `holderIdentity`; one that isn't written so is whatever it calls itself. */
export function nodeOfHolder(holder: string): NodeId {
  const [, nodeId] = OURS.exec(holder) ?? [];
  return isNodeId(nodeId) ? nodeId : holder.slice(0, MAX_SHOWN);
}
