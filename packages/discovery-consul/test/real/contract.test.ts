import { nodeSystem } from '@quorate/core/node';
import { silentLogger } from '@quorate/core';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent, TcpGate } from '@quorate/test-servers';
import { discoveryContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { consulDiscovery } from '../../src/index.ts';
import { publish } from './shared-consul.ts';

const server = await ConsulServer.start();
afterAll(async () => server?.[Symbol.asyncDispose]());

/** A service of its own in the one Consul, behind a way that can be cut. */
interface Source extends AsyncDisposable {
  readonly service: string;
  readonly gate: TcpGate;
}

let services = 0;

function suite(consul: ConsulServer): void {
  discoveryContract<Source>(
    { describe, it },
    {
      name: 'discovery-consul on a real Consul',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { registration: true, watch: 'push', createIfAbsent: true },
      source: async () => {
        const gate = await TcpGate.open(consul.port);
        services += 1;
        return { service: `case-${services}`, gate, [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose]() };
      },
      create: (_nodes, { service, gate }) =>
        consulDiscovery({
          engine: consulEngine({ address: `127.0.0.1:${gate.port}` }),
          service,
          keyPrefix: service,
          timeoutMs: 2_000,
          backoff: { baseMs: 50, maxMs: 200 },
        }),
      publish: ({ service }, nodes) => publish(consul, service, nodes),
      breakSource: ({ gate }) => gate.cut(),
      stallSource: ({ gate }) => gate.stall(),
      repairSource: ({ gate }) => gate.reopen(),
      noticedWithinMs: 3_000,
      refuses: {
        factory: consulDiscovery,
        options: [
          { engine: 'http://127.0.0.1:8500' },
          { engine: null },
          { service: '' },
          { service: 'under_score' },
          { service: 'x'.repeat(64) },
          { tags: 'web' },
          { tags: ['with space'] },
          { tags: Array.from({ length: 65 }, (_, at) => `t${at}`) },
          { withTags: [''] },
          { passingOnly: 'yes' },
          { register: 1 },
          { ttlMs: 999 },
          { deregisterAfterMs: 59_999 },
          { waitMs: 99 },
          { waitMs: 600_001 },
          { timeoutMs: 0 },
          { backoff: { baseMs: 2_000, maxMs: 1_000 } },
          { keyPrefix: '/quorate' },
          { keyPrefix: '' },
        ],
      },
    },
  );
}

if (server === undefined) {
  reportAbsent('consul');
  it.skip('discovery-consul on a real Consul keeps the contract of a discovery', () => undefined);
} else {
  suite(server);
}
