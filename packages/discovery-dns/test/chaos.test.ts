import { faults } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { DnsScene } from './dns-scene.ts';
import { a, srv, type ZoneServer } from './zone-server.ts';

const SERVICE = '_quorate._tcp.test';

/** The zone at one time: who was in it tells a lie from what is merely old. */
function zone(version: number): readonly string[] {
  return Array.from({ length: 3 + (version % 5) }, (_, at) => `10.1.${version}.${at}`);
}

function serve(server: ZoneServer, version: number): void {
  server.records = zone(version).flatMap((host, at) => [
    srv(SERVICE, { target: `n${at}.test`, port: 7000 }, 2),
    a(`n${at}.test`, host, 2),
  ]);
}

it.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'tells only what was true, never nobody, and the newest when all is well again (seed %i)',
  async (seed) => {
    const { scene, servers } = await DnsScene.open(`chaos ${seed}`, 3);
    const { world } = scene;
    let version = 1;
    for (const server of servers) serve(server, version);
    const told = scene.watch(scene.discovery({ names: [SERVICE], family: 'ipv4' }));
    await world.run(1_000);
    const machines = [scene.node, ...servers.map((server) => scene.hostOf(server))];
    const trouble = faults(world, machines, { kinds: ['oneWay', 'partition', 'pause', 'link'], everyMs: 400 });
    const modes = ['normal', 'silent', { rcode: 2 }, { rcode: 5 }] as const;
    for (let step = 0; step < 60; step += 1) {
      await world.run(500 + world.random.int(1_500));
      const server = servers[world.random.int(servers.length)] as ZoneServer;
      server.mode = modes[world.random.int(modes.length)] ?? 'normal';
      server.addsAddresses = world.chance(0.7);
      server.speaksEdns = world.chance(0.8);
      if (!world.chance(0.3)) continue;
      version += 1;
      for (const each of servers) serve(each, version);
    }
    trouble.stop();
    world.heal();
    for (const server of servers) server.mode = 'normal';
    // The longest pause between attempts, the longest look and a TTL.
    await world.run(30_000 + 5_000 + 2_000);

    expect(told.seen.length).toBeGreaterThan(1);
    expect(told.seen.every((hosts) => hosts.length > 0)).toBe(true);
    const everTrue = new Set(Array.from({ length: version + 1 }, (_, at) => zone(at)).flat());
    expect(told.seen.flat().every((host) => everTrue.has(host))).toBe(true);
    expect(told.snapshots.at(-1)).toMatchObject({ complete: true });
    expect(told.seen.at(-1)).toEqual(zone(version));
  },
);
