import {
  type ClusterContext,
  type ClusterIdentity,
  connectionMembership,
  type Plugin,
  type Storage,
  type Transport,
  type TransportContext,
} from '@quorate/core';

import type { Machine } from './test-bed.ts';

/** The cluster that a node of a test believes to be in. */
export function testIdentity(name: string = 'test', id: string = 'cluster-1'): ClusterIdentity {
  return { name, id, adopt: () => undefined };
}

/** The same, of a node that has yet to learn the cluster's id. */
export function newcomerIdentity(name: string = 'test'): ClusterIdentity {
  let adopted: string | undefined;
  return {
    name,
    get id() {
      return adopted;
    },
    adopt: (told) => {
      adopted ??= told;
    },
  };
}

/** What a transport on this machine is made from. The node is called like the machine unless told otherwise. */
export function transportContext(
  machine: Machine,
  details: { readonly cluster?: ClusterIdentity; readonly incarnation?: number; readonly id?: string } = {},
): TransportContext {
  const bind = { host: machine.address, port: machine.port };
  return {
    ...machine.system,
    self: { id: details.id ?? machine.name, ...bind },
    incarnation: details.incarnation ?? machine.host?.boots ?? 1,
    cluster: details.cluster ?? testIdentity(),
    bind,
    security: { keyring: undefined, insecure: true },
    debug: new Set(),
  };
}

/** What a discovery or an election on this machine is made from, with a membership over the transport's connections. */
export function clusterContext(
  context: TransportContext,
  transport: Plugin<Transport, 'transport'>,
  storage?: Storage,
): ClusterContext {
  const below = { ...context, transport: transport.create(context), storage };
  return { ...below, membership: connectionMembership().create(below) };
}
