import { isClusterError, type Listener, type Socket, type System } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { createWorld, type Host, type World } from '../src/index.ts';

interface Log {
  text: string;
  closed: (Error | undefined)[];
  accepted: Socket[];
  listener?: Listener;
}

function serve(host: Host, log: Log): void {
  host.start(async (system: System) => {
    log.listener = await system.net.listen({ host: host.address, port: 80 }, (socket) => {
      log.accepted.push(socket);
      return {
        data: (bytes) => {
          log.text += new TextDecoder().decode(bytes);
        },
        drain: () => undefined,
        close: (error) => log.closed.push(error),
      };
    });
  });
}

function newLog(): Log {
  return { text: '', closed: [], accepted: [] };
}

const bytesOf = (text: string) => [new TextEncoder().encode(text)];

async function connected(world: World, from: Host, to: Host, log: Log): Promise<Socket> {
  const handler = {
    data: (bytes: Uint8Array) => {
      log.text += new TextDecoder().decode(bytes);
    },
    drain: () => {
      log.text += '<drain>';
    },
    close: (error?: Error) => log.closed.push(error),
  };
  return world.settled(from.system.net.connect({ host: to.address, port: 80 }, handler), 20_000);
}

async function pair(seed: number, link = {}) {
  const world = createWorld({ seed, link });
  const a = world.host('a');
  const b = world.host('b');
  const client = newLog();
  const server = newLog();
  a.start(() => undefined);
  serve(b, server);
  await world.run(1);
  const socket = await connected(world, a, b, client);
  await world.run(5);
  return { world, a, b, client, server, socket };
}

describe('streams', () => {
  it('keep their order under jitter and loss', async () => {
    const { world, server, socket } = await pair(1, { latencyMs: 1, jitterMs: 50, loss: 0.2 });
    let expected = '';
    for (let count = 0; count < 500; count += 1) {
      expected += `${count},`;
      socket.write(bytesOf(`${count},`));
      if (count % 10 === 0) await world.run(3);
    }
    await world.run(60_000);
    expect(server.text).toBe(expected);
  });

  it('carry more than a window, and tell when to hold back and go on', async () => {
    const { world, client, server, socket } = await pair(2);
    expect(socket.write([new Uint8Array(300_000).fill(65)])).toBe(false);
    expect(socket.bufferedBytes).toBeGreaterThan(16_384);
    await world.run(1000);
    expect(server.text.length).toBe(300_000);
    expect(client.text).toBe('<drain>');
  });

  it('stop at the window while the reader is paused, without a timeout', async () => {
    const { world, b, client, server, socket } = await pair(3);
    await world.run(10);
    b.pause();
    socket.write([new Uint8Array(300_000).fill(65)]);
    await world.run(60_000);
    expect(socket.bufferedBytes).toBe(300_000 - 65_536);
    expect(client.closed).toEqual([]);
    b.resume();
    await world.run(1000);
    expect(server.text.length).toBe(300_000);
  });

  it('end in order on both sides', async () => {
    const { world, client, server, socket } = await pair(4);
    socket.write(bytesOf('last words'));
    socket.end();
    await world.run(10);
    expect(server).toMatchObject({ text: 'last words', closed: [undefined] });
    expect(client.closed).toEqual([undefined]);
  });

  it('stall while one direction is blocked, and go on', async () => {
    const { world, a, b, server, socket } = await pair(5);
    world.block(a, b);
    socket.write(bytesOf('one '));
    await world.run(5000);
    socket.write(bytesOf('two'));
    expect(server.text).toBe('');
    world.unblock(a, b);
    await world.run(10);
    expect(server.text).toBe('one two');
  });

  it('are given up when a direction stays blocked, and the other end learns it when it speaks', async () => {
    const { world, a, b, client, server, socket } = await pair(6);
    world.block(a, b);
    socket.write(bytesOf('lost'));
    await world.run(16_000);
    expect(client.closed).toHaveLength(1);
    expect(client.closed[0]).toBeInstanceOf(Error);
    expect(server.closed).toEqual([]);
    world.heal();
    server.accepted[0]?.write(bytesOf('hello?'));
    await world.run(10);
    expect(server.closed).toHaveLength(1);
    expect(server.closed[0]).toBeInstanceOf(Error);
  });

  it('are reset soon after a crash', async () => {
    const { world, b, client } = await pair(7);
    b.crash();
    await world.run(5);
    expect(client.closed).toHaveLength(1);
    expect(client.closed[0]).toBeInstanceOf(Error);
  });

  it('hang after a loss of power until somebody speaks, and then until the kernel gives up', async () => {
    const { world, b, client, socket } = await pair(8);
    b.crash({ powerLoss: true });
    await world.run(30_000);
    expect(client.closed).toEqual([]);
    socket.write(bytesOf('there?'));
    await world.run(14_000);
    expect(client.closed).toEqual([]);
    await world.run(2000);
    expect(client.closed).toHaveLength(1);
  });

  it('never hand anything to a process that has died', async () => {
    const { world, b, server, socket } = await pair(9);
    socket.write(bytesOf('in flight'));
    b.crash();
    const other = newLog();
    serve(b, other);
    await world.run(100);
    expect(server.text + other.text).toBe('');
    expect(server.closed).toEqual([]);
  });

  it('are refused where nobody listens, and time out where nothing passes', async () => {
    const { world, a, b } = await pair(10);
    const handler = { data: () => undefined, drain: () => undefined, close: () => undefined };
    const began = world.now;
    const refused = await world
      .settled(a.system.net.connect({ host: b.address, port: 81 }, handler), 1000)
      .catch((error: unknown) => error);
    expect(isClusterError(refused, 'DISCONNECTED')).toBe(true);
    expect(world.now - began).toBeLessThan(5);
    world.partition(a, b);
    const silent = await world
      .settled(a.system.net.connect({ host: b.address, port: 80 }, handler), 20_000)
      .catch((error: unknown) => error);
    expect(isClusterError(silent, 'DISCONNECTED')).toBe(true);
    expect(world.now - began).toBeGreaterThan(14_000);
  });

  it('can be opened to a paused process, which answers once resumed', async () => {
    const { world, a, b, server } = await pair(11);
    b.pause();
    const log = newLog();
    const socket = await connected(world, a, b, log);
    socket.write(bytesOf('patience'));
    await world.run(1000);
    expect(server.text).toBe('');
    b.resume();
    await world.run(10);
    expect(server.text).toBe('patience');
  });

  it('give up with the signal', async () => {
    const { world, a, b } = await pair(12);
    world.partition(a, b);
    const controller = new AbortController();
    const handler = { data: () => undefined, drain: () => undefined, close: () => undefined };
    const call = a.system.net.connect({ host: b.address, port: 80 }, handler, { signal: controller.signal });
    world.after(10, () => controller.abort());
    const error = await world.settled(call, 100).catch((reason: unknown) => reason);
    expect(isClusterError(error, 'ABORTED')).toBe(true);
  });

  it('are not kept from the next process by what the last one did in the middle of its crash', async () => {
    const world = createWorld({ seed: 1 });
    const [a, b] = [world.host('a'), world.host('b')];
    b.start(({ disk, net }) => {
      b.crashAtDiskOperation(1);
      void disk.list('/');
      void net.listen({ host: b.address, port: 80 }, () => {
        throw new Error('nobody is there');
      });
    });
    await world.run(1);
    expect(b.running).toBe(false);
    const log = newLog();
    serve(b, log);
    a.start(() => undefined);
    await world.run(1);
    await connected(world, a, b, log);
    expect(log.accepted).toHaveLength(1);
  });

  it('refuse a bound port and an address of another host', async () => {
    const { b } = await pair(13);
    await expect(b.system.net.listen({ host: b.address, port: 80 }, () => never())).rejects.toMatchObject({
      code: 'IO',
    });
    await expect(b.system.net.listen({ host: '10.9.9.9', port: 1 }, () => never())).rejects.toMatchObject({
      code: 'IO',
    });
  });
});

describe('datagrams', () => {
  async function exchange(link: object): Promise<string[]> {
    const world = createWorld({ seed: 3, link });
    const a = world.host('a');
    const b = world.host('b');
    const got: string[] = [];
    b.start(async ({ net }) => {
      await net.bindDatagram({ host: '0.0.0.0', port: 9 }, (payload) => got.push(new TextDecoder().decode(payload)));
    });
    a.start(async ({ net, clock }) => {
      const socket = await net.bindDatagram({ host: '0.0.0.0', port: 0 }, () => undefined);
      for (let count = 0; count < 200; count += 1) {
        clock.setTimer(1 + count, () => socket.send(new TextEncoder().encode(`${count}`), { host: 'b', port: 9 }));
      }
    });
    await world.run(1000);
    return got;
  }

  it('arrive once and in order on a good link', async () => {
    expect(await exchange({})).toEqual(Array.from({ length: 200 }, (_, at) => `${at}`));
  });

  it('are lost, doubled and overtaken as the link says', async () => {
    expect((await exchange({ loss: 0.3 })).length).toBeLessThan(180);
    expect((await exchange({ duplicate: 0.3 })).length).toBeGreaterThan(220);
    const shuffled = await exchange({ latencyMs: 1, reorder: 0.3 });
    expect(shuffled).toHaveLength(200);
    expect(shuffled).not.toEqual(Array.from({ length: 200 }, (_, at) => `${at}`));
  });
});

describe('multicast', () => {
  const GROUP = { host: '239.1.2.3', port: 9 };

  /** Sends one datagram from `a`, with two sockets in the group there and one each on `b` and `c`. */
  async function heardOf(ttl: number, disturb: (hosts: readonly Host[], world: World) => void = () => undefined) {
    const world = createWorld({ seed: 4 });
    const hosts = ['a', 'b', 'c'].map((name) => world.host(name));
    const heard: string[] = [];
    const join = ({ net }: System, name: string, group = GROUP.host) =>
      net.bindDatagram({ host: '0.0.0.0', port: GROUP.port }, (_, from) => heard.push(`${name} of ${from.host}`), {
        multicast: { group, ttl },
      });
    for (const host of hosts) host.start(async (system) => void (await join(system, host.name)));
    await world.run(1);
    const sending = join(hosts[0]!.system, 'a2');
    const stranger = join(hosts[1]!.system, 'b2', '239.1.2.4');
    const socket = await world.settled(sending, 10);
    await world.settled(stranger, 10);
    disturb(hosts, world);
    socket.send(new Uint8Array(3), GROUP);
    await world.run(10);
    const closing = socket[Symbol.asyncDispose]();
    await world.settled(Promise.resolve(closing), 10);
    socket.send(new Uint8Array(3), GROUP);
    await world.run(10);
    return heard.sort();
  }

  it('reaches all in the group, on one host too', async () => {
    expect(await heardOf(1)).toEqual(['a of 10.0.0.1', 'a2 of 10.0.0.1', 'b of 10.0.0.1', 'c of 10.0.0.1']);
  });

  it('stays on the host where it may pass no network', async () => {
    expect(await heardOf(0)).toEqual(['a of 10.0.0.1', 'a2 of 10.0.0.1']);
  });

  it('passes each link for itself, and what is paused later', async () => {
    const heard = await heardOf(1, ([a, b, c], world) => {
      world.block(a!, b!);
      c!.pause();
    });
    expect(heard).toEqual(['a of 10.0.0.1', 'a2 of 10.0.0.1']);
    expect(await heardOf(1, ([, b]) => b!.crash())).not.toContain('b of 10.0.0.1');
  });

  it('shares a port with nobody who did not join, and needs a group and an interface', async () => {
    const world = createWorld({ seed: 5 });
    const a = world.host('a');
    a.start(() => undefined);
    const bind = (port: number, multicast?: { group: string; ttl: number; interface?: string }) =>
      world.settled(
        a.system.net.bindDatagram({ host: '0.0.0.0', port }, () => undefined, multicast && { multicast }),
        10,
      );
    const group = { group: GROUP.host, ttl: 1 };
    await bind(9, group);
    await bind(10);
    await expect(bind(9)).rejects.toMatchObject({ code: 'IO' });
    await expect(bind(10, group)).rejects.toMatchObject({ code: 'IO' });
    await expect(bind(11, { group: '10.0.0.1', ttl: 1 })).rejects.toMatchObject({ code: 'IO' });
    await expect(bind(11, { ...group, interface: '10.0.0.9' })).rejects.toMatchObject({ code: 'IO' });
    await bind(11, { ...group, interface: '10.0.0.1' });
    await bind(12, { group: 'ff02::1', ttl: 1, interface: '::%eth0' });
  });
});

function never(): never {
  throw new Error('nobody should come');
}
