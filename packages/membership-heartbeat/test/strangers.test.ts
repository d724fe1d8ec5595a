import {
  type Cluster,
  type ClusterNode,
  createCluster,
  MAX_SUSPECT_MEMBERS,
  messageKind,
  type Plugin,
  silentLogger,
  type System,
  type Transport,
} from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type Host } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { encodeHeartbeat } from '../src/heartbeat-frame.ts';
import { heartbeatMembership } from '../src/index.ts';

const PORT = 7000;
const WAVES = 6;
const IN_A_WAVE = 180;

type TransportPlugin = Plugin<Transport, 'transport'>;

describe('strangers that come under ever other names, where they are let in', () => {
  it('are a bounded number of suspects, and push nobody out who was here before', async () => {
    const world = createWorld({ seed: 'strangers' });
    const network = memoryNetwork({ route: (message) => world.route(message) });
    const transport = memoryTransport({ network });
    const [here, there, elsewhere] = [world.host('a'), world.host('b'), world.host('strangers')];
    const a = start(here, [here, there], transport);
    start(there, [here, there], transport);
    const members = () => [...(a()?.membership.view.members.values() ?? [])];
    const stateOf = (id: string) => members().find(({ node }) => node.id === id)?.state;
    const count = (state: string) => members().filter((member) => member.state === state).length;
    await world.runUntil(() => stateOf('b') === 'alive', 20_000);
    await world.run(5_000);
    there.crash();
    await world.runUntil(() => stateOf('b') === 'suspect', 20_000);
    for (let wave = 0; wave < WAVES; wave += 1) {
      elsewhere.start(async (system) => {
        for (let n = 0; n < IN_A_WAVE; n += 1)
          await visit(
            { id: `s${wave} ${n}`, host: elsewhere.address, port: 1 + wave * IN_A_WAVE + n },
            here,
            transport,
            system,
          );
      });
      await world.runUntil(() => count('alive') === 1 + IN_A_WAVE, 60_000);
      elsewhere.crash();
      await world.runUntil(() => count('alive') === 1, 60_000);
    }
    const given = 1 + WAVES * IN_A_WAVE;
    const states = [count('suspect'), count('unreachable'), stateOf('b')];
    expect(states).toEqual([MAX_SUSPECT_MEMBERS, given - MAX_SUSPECT_MEMBERS, 'suspect']);
  });
});

function start(host: Host, known: readonly Host[], transport: TransportPlugin): () => Cluster | undefined {
  let cluster: Cluster | undefined;
  host.start(async (system) => {
    cluster = createCluster({
      name: 'test',
      nodeId: host.name,
      bind: { host: host.address, port: PORT },
      insecure: true,
      seedNodes: known.map(({ address }) => ({ host: address, port: PORT })),
      transport,
      membership: heartbeatMembership({ unreachableAfterMs: 600_000 }),
      system: { ...system, logger: silentLogger },
    });
    await cluster.start();
  });
  return () => cluster;
}

/** Comes, and is taken for a member. */
async function visit(self: ClusterNode, { address }: Host, plugin: TransportPlugin, system: System): Promise<void> {
  const stranger = plugin.create({
    ...system,
    logger: silentLogger,
    self,
    incarnation: 1,
    cluster: { name: 'test', id: undefined, adopt: () => undefined },
    bind: self,
    security: { keyring: undefined, insecure: true },
    debug: new Set(),
  });
  await stranger.start();
  const events = stranger.watch();
  stranger.addContact({ host: address, port: PORT });
  for await (const event of events) if (event.type === 'connected') break;
  const heartbeat = encodeHeartbeat({ incarnation: 1, joinOrder: 9, highestOrder: 9, loopDelayMs: 0 });
  stranger.send('a', messageKind.GOSSIP, heartbeat);
}
