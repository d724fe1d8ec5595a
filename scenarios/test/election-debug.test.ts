import { type Cluster, createCluster, type Logger, type System } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type Host } from '@quorate/simulator';
import { expect, it } from 'vitest';

it('the debug lines of an election tell sent from received as those of the wire do', async () => {
  const world = createWorld({ seed: 1 });
  const network = memoryNetwork({ route: world.route });
  const ids = ['a', 'b'] as const;
  const clusters = new Map<string, Cluster>();
  const lines = new Map(ids.map((id) => [id as string, [] as string[]]));
  const program = (host: Host) => async (system: System) => {
    const cluster = createCluster({
      nodeId: host.name,
      bind: `${host.address}:7000`,
      seedNodes: ['10.0.0.1:7000', '10.0.0.2:7000'],
      transport: memoryTransport({ network }),
      storage: memoryStorage({ disk: memoryDisk() }),
      election: majorityElection({ voters: ids }),
      debug: 'election',
      logger: collector(lines.get(host.name) ?? []),
      system,
    });
    clusters.set(host.name, cluster);
    await cluster.start();
  };
  for (const id of ids) {
    const host = world.host(id);
    host.start(program(host));
  }
  const leader = () => [...clusters.values()].find((cluster) => cluster.isLeader)?.self.id;
  await world.runUntil(() => leader() !== undefined, 10_000);
  await world.run(200);

  const led = leader() ?? '';
  const other = led === 'a' ? 'b' : 'a';
  const said = (id: string) => (lines.get(id) ?? []).join('\n');
  expect(said(led)).toContain(`-> ${other} {"type":"heartbeat",`);
  expect(said(led)).not.toContain(`<- ${other} {"type":"heartbeat",`);
  expect(said(other)).toContain(`<- ${led} {"type":"heartbeat",`);
});

function collector(lines: string[]): Logger {
  const ignore = () => undefined;
  return { debug: (text) => lines.push(text), info: ignore, warn: ignore, error: ignore };
}
