import type { ClusterNode } from '@quorate/core';
import { encodeStates, type MemberRecord, type SwimBase, tableOf } from '@quorate/membership-swim/protocol';

/** The table of a cluster in which all know each other, once for all of its nodes, and what a member takes in an exchange. */
export function sharedBase(nodes: readonly ClusterNode[]): { readonly base: SwimBase; readonly bytesPerState: number } {
  const records = nodes.map(recordOf);
  let bytes = 0;
  for (const part of encodeStates(records, 65_536)) bytes += part.byteLength;
  return { base: tableOf(records), bytesPerState: bytes / nodes.length };
}

function recordOf(node: ClusterNode, index: number): MemberRecord {
  const { id, host, port } = node;
  const address = Object.freeze({ host, port });
  const version = { epoch: 0, incarnation: 1, refutation: 0 };
  return Object.freeze({ id, node, address, ...version, state: 'alive', joinOrder: index + 1, since: 0 });
}
