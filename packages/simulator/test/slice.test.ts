import { memoryNetwork, memoryTransport } from '@quorate/memory';
import type { System, Transport } from '@quorate/core';
import { expect, it } from 'vitest';

import { createWorld, type Host, type World } from '../src/index.ts';

function transportOn(
  world: World,
  host: Host,
  system: System,
  network = memoryNetwork({ route: world.route }),
): Transport {
  const self = { id: host.name, host: host.address, port: 7000 };
  return memoryTransport({ network }).create({
    ...system,
    self,
    incarnation: host.boots,
    bind: self,
    cluster: { name: 'test', id: undefined, adopt: () => undefined },
    debug: new Set(),
  });
}

it('connects, asks and survives a crash', async () => {
  const world = createWorld({ seed: 1 });
  const network = memoryNetwork({ route: world.route });
  const a = world.host('a');
  const b = world.host('b');
  const transports: Record<string, Transport> = {};
  const main = (host: Host, other: Host) => async (system: System) => {
    const transport = transportOn(world, host, system, network);
    transports[host.name] = transport;
    transport.onRequest(1024, (_from, payload) => payload.map((byte) => byte + 1));
    transport.onStream(1024, async (_from, chunks) => {
      let total = 0;
      for await (const chunk of chunks) total += chunk.length;
      system.logger.info(`stream of ${total}`);
    });
    await transport.start();
    transport.addContact({ host: other.address, port: 7000 });
  };
  a.start(main(a, b));
  b.start(main(b, a));
  await world.runUntil(() => transports['a']?.peer('b')?.state === 'connected', 2000);
  expect(await world.settled(transports['a']!.request('b', 1024, Uint8Array.of(1, 2)), 100)).toEqual(
    Uint8Array.of(2, 3),
  );
  const stream = await world.settled(transports['a']!.openStream('b', 1024), 100);
  for (let count = 0; count < 20; count += 1) await world.settled(stream.write(new Uint8Array(100_000)), 1000);
  await world.settled(stream.end(), 1000);
  b.crash();
  await world.runUntil(() => transports['a']?.peer('b')?.state !== 'connected', 100);
  b.restart();
  await world.runUntil(() => transports['a']?.peer('b')?.state === 'connected', 5000);
  console.log(world.trace.text());
});
