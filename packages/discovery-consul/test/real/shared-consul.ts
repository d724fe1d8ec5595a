import type { ClusterContext, DiscoveredNode, Logger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import type { ConsulServer } from '@quorate/test-servers';

/** Makes Consul know these nodes of a service, and no others, in one step: in its catalog, without an agent of theirs. */
export async function publish(server: ConsulServer, service: string, nodes: readonly DiscoveredNode[]): Promise<void> {
  const known = (await server.call('GET', `/v1/catalog/service/${service}`)) as readonly { readonly Node: string }[];
  const named = new Set(nodes.map((node) => `${service}-${node.id}`));
  const gone = known.filter((entry) => !named.has(entry.Node));
  const removals = gone.map(({ Node }) => ({ Node: { Verb: 'delete', Node: { Node } } }));
  const additions = nodes.flatMap(({ host, port, id }) => {
    const Node = `${service}-${id}`;
    const Service = { ID: id, Service: service, Address: host, Port: port, Meta: { 'quorate-node': id } };
    return [{ Node: { Verb: 'set', Node: { Node, Address: host } } }, { Service: { Verb: 'set', Node, Service } }];
  });
  const steps = [...removals, ...additions];
  if (steps.length > 0) await server.call('PUT', '/v1/txn', steps);
}

/** Of a node whose other parts nobody asks for. */
export function contextOf(id: string, logger: Logger, cluster = 'test'): ClusterContext {
  const self = { id, host: '10.9.0.9', port: 7009 };
  const identity = { name: cluster, id: undefined, adopt: () => undefined };
  return { ...nodeSystem(), logger, self, cluster: identity } as unknown as ClusterContext;
}
