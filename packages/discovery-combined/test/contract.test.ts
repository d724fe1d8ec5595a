import type { ClusterNode, DiscoveredNode, IClusterDiscovery } from '@quorate/core';
import { memoryDiscovery, memoryRegistry, type MemoryRegistry } from '@quorate/memory';
import { discoveryContract, type DiscoveryHarness } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { anyOf, type AnyOfOptions, type DiscoveryPlugin, firstOf, type FirstOfOptions } from '../src/index.ts';
import { Script } from './scripted-discovery.ts';

/** Hooks that play with one script; `create` says among what others it stands. */
function scripted(name: string, create: (script: Script) => DiscoveryPlugin): DiscoveryHarness<Script> {
  return {
    name,
    supports: { registration: false, watch: 'poll', createIfAbsent: false },
    source: () => new Script('list'),
    create: (_nodes, script) => create(script),
    publish: (script, nodes) => {
      script.entries = nodes;
    },
    publishRaw: (script, entries) => {
      script.entries = entries;
    },
    breakSource: (script) => {
      script.state = 'broken';
    },
    repairSource: (script) => {
      script.state = 'up';
    },
    stallSource: (script) => {
      script.state = 'stalled';
    },
  };
}

const nobody = () => new Script('nobody').plugin();

discoveryContract(
  { describe, it },
  {
    ...scripted('anyOf one', (script) => anyOf([script.plugin()])),
    refuses: {
      factory: ({ discoveries = [nobody()], ...rest }: AnyOfOptions & { discoveries?: DiscoveryPlugin[] }) =>
        anyOf(discoveries, rest),
      options: [
        { discoveries: [] },
        { discoveries: 'static' },
        { discoveries: [nobody(), 7] },
        { discoveries: [{ ...nobody(), kind: 'election' }] },
        { discoveries: Array.from({ length: 17 }, nobody) },
        { timeoutMs: 0 },
        { backoff: { maxMs: 0 } },
      ],
    },
  },
);
discoveryContract(
  { describe, it },
  {
    ...scripted('firstOf', (script) => firstOf([nobody(), script.plugin(), nobody()])),
    refuses: {
      factory: ({ discoveries = [nobody()], ...rest }: FirstOfOptions & { discoveries?: DiscoveryPlugin[] }) =>
        firstOf(discoveries, rest),
      options: [{ discoveries: [] }, { discoveries: [undefined] }, { timeoutMs: 0 }, { intervalMs: 1 }],
    },
  },
);

for (const [name, combine] of Object.entries({ anyOf, firstOf })) {
  discoveryContract(
    { describe, it },
    {
      name: `${name}, with registries among others`,
      supports: { registration: true, watch: 'poll', createIfAbsent: false },
      source: () => [new Script('one', { registration: true }), new Script('two', { registration: true })] as const,
      create: (nodes, [one, two]) => {
        two.entries = nodes;
        return combine([one.plugin(), nobody(), two.plugin()]);
      },
      stallSource: ([one, two]) => {
        one.state = 'stalled';
        two.state = 'stalled';
      },
    },
  );
}

/** A registry, and a node that fills it on behalf of others. */
interface Registered {
  readonly registry: MemoryRegistry;
  readonly registrar: IClusterDiscovery;
}

async function publish({ registry, registrar }: Registered, nodes: readonly DiscoveredNode[]): Promise<void> {
  const known = registry.nodes.map(({ id }) => id).filter((id) => !nodes.some((node) => node.id === id));
  for (const id of known) await registrar.unregisterNode(id);
  for (const node of nodes) await registrar.registerNode(node as ClusterNode);
}

discoveryContract(
  { describe, it },
  {
    name: 'anyOf, with one that pushes',
    supports: { registration: true, watch: 'push', createIfAbsent: true },
    source: (context): Registered => {
      const registry = memoryRegistry();
      return { registry, registrar: memoryDiscovery({ registry }).create(context) };
    },
    create: (_nodes, { registry }) => anyOf([memoryDiscovery({ registry })]),
    publish,
  },
);
