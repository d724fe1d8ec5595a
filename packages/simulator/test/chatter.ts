import type { Socket, System } from '@quorate/core';

import { createWorld, faults, type Host, type Seed, type World } from '../src/index.ts';

/** A world in which much goes on and wrong; run as a program it prints the hash of its trace. */
export async function chatter(seed: Seed): Promise<World> {
  const world = createWorld({ seed, link: { loss: 0.02, duplicate: 0.02, reorder: 0.05 }, traceLines: 100_000 });
  const hosts = ['a', 'b', 'c'].map((name) => world.host(name));
  const start = (host: Host) => host.start((system) => talk(system, host, hosts));
  for (const host of hosts) start(host);
  const trouble = faults(world, hosts, { everyMs: 100, lastMs: 400, restart: start });
  await world.run(5000);
  trouble.stop();
  await world.run(1000);
  return world;
}

async function talk({ clock, disk, net, random, logger }: System, host: Host, hosts: readonly Host[]): Promise<void> {
  const sockets = new Set<Socket>();
  const handler = (socket: Socket) => ({
    data: (bytes: Uint8Array) => void (random.next() < 0.3 && socket.write([bytes.subarray(0, bytes.length / 2)])),
    drain: () => undefined,
    close: () => void sockets.delete(socket),
  });
  await net.listen({ host: host.address, port: 1 }, handler);
  const datagrams = await net.bindDatagram({ host: '0.0.0.0', port: 2 }, (payload) =>
    logger.debug(`${payload.length}`),
  );
  const log = await disk.open('/log', { create: true });
  const beat = async (count: number) => {
    const to = hosts[random.int(hosts.length)]?.address ?? '';
    datagrams.send(random.bytes(1 + random.int(20)), { host: to, port: 2 });
    await log.write([random.bytes(50)], count * 50);
    if (random.next() < 0.3) await log.sync();
    for (const socket of sockets) socket.write([random.bytes(random.int(3000))]);
    if (sockets.size < 3) void open(to);
    clock.setTimer(random.next() * 20, () => void beat(count + 1));
  };
  const open = async (to: string) => {
    let socket: Socket | undefined = undefined;
    const lazy = {
      data: () => undefined,
      drain: () => undefined,
      close: () => void (socket && sockets.delete(socket)),
    };
    socket = await net.connect({ host: to, port: 1 }, lazy).catch(() => undefined);
    if (socket !== undefined) sockets.add(socket);
  };
  await beat(0);
}

if (process.argv[1] === import.meta.filename) {
  const world = await chatter(process.argv[2] ?? '');
  console.log(world.trace.hash);
}
