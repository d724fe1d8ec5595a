import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Address } from '../src/address.ts';
import { silentLogger } from '../src/logger.ts';
import { LookupBacklog } from '../src/node/lookup-backlog.ts';
import { SystemNet } from '../src/node/net.ts';
import { turn } from './manual-clock.ts';

const net = new SystemNet(silentLogger);
const bytes = (text: string) => new TextEncoder().encode(text);

describe('datagrams', () => {
  it.each(['127.0.0.1', '::1'])('go between two sockets at %s', async (host) => {
    const got = Promise.withResolvers<{ text: string; from: Address }>();
    const receiver = await net.bindDatagram({ host, port: 0 }, (payload, from) =>
      got.resolve({ text: new TextDecoder().decode(payload), from }),
    );
    const sender = await net.bindDatagram({ host, port: 0 }, () => undefined);
    const payload = bytes('ping');
    sender.send(payload, receiver.address);
    payload.fill(0);
    expect(await got.promise).toEqual({ text: 'ping', from: sender.address });
    await Promise.all([receiver[Symbol.asyncDispose](), sender[Symbol.asyncDispose]()]);
    await sender[Symbol.asyncDispose]();
    sender.send(bytes('late'), receiver.address);
  });

  it('that cannot be sent are lost without a sound, and a handler that throws ends nothing', async () => {
    const got: number[] = [];
    const second = Promise.withResolvers<void>();
    const socket = await net.bindDatagram({ host: '127.0.0.1', port: 0 }, (payload) => {
      got.push(payload.length);
      if (got.length === 1) throw new Error('boom');
      second.resolve();
    });
    socket.send(new Uint8Array(100_000), socket.address);
    socket.send(bytes('x'), { host: '127.0.0.1', port: 99_999 });
    socket.send(bytes('x'), { host: '::1', port: 9 });
    socket.send(bytes('x'), socket.address);
    socket.send(bytes('yz'), socket.address);
    await second.promise;
    expect(got).toEqual([1, 2]);
    await socket[Symbol.asyncDispose]();
  });

  it('beyond what may wait for a name to be looked up are lost, those to addresses and later ones are not', async () => {
    const heard = new Set<string>();
    const socket = await net.bindDatagram({ host: '127.0.0.1', port: 0 }, (payload) => {
      heard.add(new TextDecoder().decode(payload).trim());
    });
    const { port } = socket.address;
    for (let at = 0; at < 8; at += 1) socket.send(bytes(`${at}`.padEnd(16_000)), { host: 'localhost', port });
    socket.send(bytes('address'), { host: '127.0.0.1', port });
    while (!['0', '1', '2', '3', 'address'].every((each) => heard.has(each))) await turn();
    while (!heard.has('later')) {
      socket.send(bytes('later'), { host: 'localhost', port });
      await turn();
    }
    expect([...heard].sort()).toEqual(['0', '1', '2', '3', 'address', 'later']);
    await socket[Symbol.asyncDispose]();
  });

  it('that wait for names are bounded by name and altogether, until each is off', () => {
    const backlog = new LookupBacklog();
    const addMany = (name: string) => {
      for (let count = 0; count <= 100_000; count += 1) if (!backlog.add(name, 768)) return count;
      return Infinity;
    };
    expect(addMany('first')).toBe(64);
    const others = Array.from({ length: 20 }, (_, at) => addMany(`n${at}`));
    expect(others).toEqual(Array.from({ length: 20 }, (_, at) => (at < 15 ? 64 : 0)));
    backlog.remove('first', 768);
    expect([addMany('n0'), addMany('late'), addMany('first')]).toEqual([0, 1, 0]);
  });

  it('are IO where the address is not ours', async () => {
    const bound = net.bindDatagram({ host: '192.0.2.1', port: 0 }, () => undefined);
    await expect(bound).rejects.toMatchObject({ code: 'IO' });
  });
});

describe('multicast', () => {
  // Loopback has multicast in IPv4; in IPv6 a network card is needed, if there is one with an address of its link.
  const linked = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ internal, address }) => !internal && address.startsWith('fe80:')),
  );
  const groups = [
    { bind: '0.0.0.0', group: '239.255.81.1', interface: '127.0.0.1' },
    ...(linked === undefined ? [] : [{ bind: '::', group: 'ff02::5152', interface: `::%${linked[0]}` }]),
  ];

  it.each(groups)('reaches all that share the port and joined $group, the sender too', async (where) => {
    const { port } = await freePort(where.bind);
    const multicast = { group: where.group, interface: where.interface, ttl: 0 };
    const heard = [0, 1, 2].map(() => Promise.withResolvers<string>());
    const sockets = await Promise.all(
      heard.map(({ resolve }) =>
        net.bindDatagram({ host: where.bind, port }, (payload) => resolve(new TextDecoder().decode(payload)), {
          multicast,
        }),
      ),
    );
    sockets[0]?.send(bytes('all'), { host: where.group, port });
    expect(await Promise.all(heard.map(({ promise }) => promise))).toEqual(['all', 'all', 'all']);
    for (const socket of sockets) await socket[Symbol.asyncDispose]();
  });

  it('is IO where the group is none, or the interface not there', async () => {
    const join = (group: string, through?: string) =>
      net.bindDatagram({ host: '0.0.0.0', port: 0 }, () => undefined, {
        multicast: { group, interface: through, ttl: 0 },
      });
    await expect(join('10.0.0.1', '127.0.0.1')).rejects.toMatchObject({ code: 'IO' });
    await expect(join('239.255.81.1', '192.0.2.1')).rejects.toMatchObject({ code: 'IO' });
    await expect(join('no address')).rejects.toMatchObject({ code: 'IO' });
  });

  async function freePort(host: string): Promise<Address> {
    const socket = await net.bindDatagram({ host, port: 0 }, () => undefined);
    await socket[Symbol.asyncDispose]();
    return socket.address;
  }
});
