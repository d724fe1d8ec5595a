import type { NodeId } from '@quorate/core';
import { formatRoutes } from '../relay/relayed-net.ts';
import type { ClusterPlan, NodeView } from './supervisor.ts';

/** All nodes are on this machine. */
export const HOST = '127.0.0.1';
/** The cluster's name. */
export const CLUSTER = 'demo';

/** A node, and what of it goes elsewhere than to its own ports. */
export interface NodePlace {
  readonly id: NodeId;
  readonly port: number;
  readonly httpPort: number;
  /** By which it reaches others, through the relay. */
  readonly routes: Parameters<typeof formatRoutes>[0];
}

/** What the process of a node is started with. @param nodes all of the cluster */
export function nodeArguments(
  { profile, membership, election, elector, discovery, registry, data }: ClusterPlan,
  { id, port, httpPort, routes }: NodePlace,
  nodes: readonly Pick<NodeView, 'id' | 'address'>[],
): readonly string[] {
  const others = nodes.filter((node) => node.id !== id);
  const options = {
    id,
    host: HOST,
    port,
    http: `${HOST}:${httpPort}`,
    cluster: CLUSTER,
    voters: nodes.map((node) => node.id).join(','),
    ...(registry === undefined
      ? { peers: others.map((node) => `${node.id}@${node.address}`).join(',') }
      : { registry }),
    ...(routes.size > 0 && { relay: formatRoutes(routes) }),
    discovery,
    election,
    ...(elector !== undefined && { elector }),
    membership,
    profile,
    data,
  };
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}
