import { type ClusterErrorCode, formatAddress, formatNode } from '@quorate/core';

import type { Hello, Refusal } from './frames.ts';

/** How the accepting node already stands to whoever introduces himself. */
export type Standing =
  /** Nothing keeps them apart. */
  | 'free'
  /** They are connected, in the incarnation that this one told of. */
  | { readonly connected: Pick<Hello, 'node' | 'incarnation'> }
  /** This node dials him too, and its dial is the one that counts. */
  | 'dialling';

/** Whether a node that dialled is let in; undefined says yes. Both sides can be told the reason. */
export function judge(own: Hello, theirs: Hello, standing: Standing): Refusal | undefined {
  if (theirs.node.id === own.node.id) return duplicate(theirs, own);
  const mismatch = clusterMismatch(own, theirs);
  if (mismatch !== undefined) return mismatch;
  if (standing === 'dialling') return { reason: 'crossed', nodeId: own.node.id };
  if (standing === 'free') return undefined;
  const { connected } = standing;
  if (connected.incarnation === theirs.incarnation) return { reason: 'crossed', nodeId: own.node.id };
  return isSuccessor(theirs, connected) ? undefined : duplicate(theirs, connected);
}

/** Whether the node was started again where it was: then its former process can't be living. */
function isSuccessor(theirs: Hello, former: Pick<Hello, 'node' | 'incarnation'>): boolean {
  return theirs.incarnation > former.incarnation && formatAddress(theirs.node) === formatAddress(former.node);
}

function clusterMismatch(own: Hello, theirs: Hello): Refusal | undefined {
  const mine = own.cluster;
  const other = theirs.cluster;
  if (mine.name !== other.name) {
    return refuse('CLUSTER_MISMATCH', `this is cluster ${mine.name}, not ${other.name}`);
  }
  if (mine.id !== undefined && other.id !== undefined && mine.id !== other.id) {
    return refuse('CLUSTER_MISMATCH', `this cluster ${mine.name} has id ${mine.id}, not ${other.id}`);
  }
  return undefined;
}

function duplicate(theirs: Hello, living: Pick<Hello, 'node' | 'incarnation'>): Refusal {
  const both = `${formatNode(theirs.node)} and ${formatNode(living.node)}`;
  return refuse(
    'DUPLICATE_NODE_ID',
    `${both} carry one id, with incarnations ${theirs.incarnation} and ${living.incarnation}`,
  );
}

function refuse(code: ClusterErrorCode, message: string): Refusal {
  return { reason: 'refused', failure: { code, message } };
}
