import type { ClusterContext, ClusterNode, DiscoveredNode, IClusterDiscovery } from '@quorate/core';
import { memoryDiscovery, memoryRegistry, type MemoryRegistry } from '@quorate/memory';
import { describe, it } from 'vitest';

import { discoveryContract } from '../src/index.ts';

/** A registry, and a node that fills it on behalf of others. */
interface Registered {
  readonly registry: MemoryRegistry;
  readonly registrar: IClusterDiscovery;
}

function register(context: ClusterContext): Registered {
  const registry = memoryRegistry();
  return { registry, registrar: memoryDiscovery({ registry }).create(context) };
}

async function publish({ registry, registrar }: Registered, nodes: readonly DiscoveredNode[]): Promise<void> {
  const known = registry.nodes.map(({ id }) => id).filter((id) => !nodes.some((node) => node.id === id));
  for (const id of known) await registrar.unregisterNode(id);
  for (const node of nodes) await registrar.registerNode(node as ClusterNode);
}

discoveryContract(
  { describe, it },
  {
    name: 'discovery-memory',
    supports: { registration: true, watch: 'push', createIfAbsent: true },
    source: register,
    create: (_nodes, { registry }) => memoryDiscovery({ registry }),
    publish,
    refuses: { factory: memoryDiscovery, options: [{ registry: [] }] },
  },
);
