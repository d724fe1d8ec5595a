import { createConnection, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Address } from '../src/address.ts';
import type { Logger } from '../src/logger.ts';
import { silentLogger } from '../src/logger.ts';
import type { Listener, Socket, SocketHandler } from '../src/net.ts';
import { SystemNet } from '../src/node/net.ts';
import { SocketProbe } from './socket-probe.ts';

const LOOPBACK: Address = { host: '127.0.0.1', port: 0 };
const bytes = (text: string) => new TextEncoder().encode(text);

const open: (Socket | Listener)[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) {
    if ('destroy' in thing) thing.destroy();
    else await thing[Symbol.asyncDispose]();
  }
});

const net = new SystemNet(silentLogger);

async function listen(accept: (socket: Socket) => SocketHandler, address = LOOPBACK, on = net): Promise<Listener> {
  const listener = await on.listen(address, accept);
  open.push(listener);
  return listener;
}

/** Two connected sockets with their probes. */
async function pair(address = LOOPBACK) {
  const server = new SocketProbe();
  const accepted = Promise.withResolvers<Socket>();
  const listener = await listen((socket) => {
    accepted.resolve(socket);
    return server;
  }, address);
  const client = new SocketProbe();
  const clientSocket = await net.connect(listener.address, client);
  const serverSocket = await accepted.promise;
  open.push(clientSocket, serverSocket);
  return { client, server, clientSocket, serverSocket, listener };
}

/** Lets the event loop turn until nothing more comes of what has happened already. */
async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
}

describe('streams', () => {
  it.each([
    ['IPv4', '127.0.0.1'],
    ['IPv6', '::1'],
  ])('carry bytes both ways over %s, and know both addresses', async (_, host) => {
    const { client, server, clientSocket, serverSocket, listener } = await pair({ host, port: 0 });
    expect(listener.address.host).toBe(host);
    expect(clientSocket.remote).toEqual(listener.address);
    expect(serverSocket.remote).toEqual(clientSocket.local);
    clientSocket.write([bytes('a'), bytes(''), bytes('bc')]);
    serverSocket.write([bytes('answer')]);
    await server.until(() => server.received === 'abc');
    await client.until(() => client.received === 'answer');
  });

  it('report an IPv4 peer of a listener for both versions by its IPv4 address', async () => {
    const peer = Promise.withResolvers<Address>();
    const listener = await listen(
      (socket) => {
        peer.resolve(socket.remote);
        return new SocketProbe();
      },
      { host: '::', port: 0 },
    );
    open.push(await net.connect({ host: '127.0.0.1', port: listener.address.port }, new SocketProbe()));
    expect((await peer.promise).host).toBe('127.0.0.1');
  });

  it('connect by name', async () => {
    const listener = await listen(() => new SocketProbe(), { host: 'localhost', port: 0 });
    open.push(await net.connect({ host: 'localhost', port: listener.address.port }, new SocketProbe()));
  });

  it('call no handler before connect has resolved, though the peer speaks first', async () => {
    const listener = await listen((socket) => {
      socket.write([bytes('hello')]);
      socket.end();
      return new SocketProbe();
    });
    const client = new SocketProbe();
    const early = await net.connect(listener.address, client).then((socket) => {
      open.push(socket);
      return [...client.events];
    });
    expect(early).toEqual([]);
    await client.closed;
    expect(client.received).toBe('hello');
  });

  it('send everything that was written before end, then close both sides without an error', async () => {
    const { client, server, clientSocket } = await pair();
    clientSocket.write([new Uint8Array(3_000_000).fill(120)]);
    clientSocket.end();
    clientSocket.end();
    expect(clientSocket.write([bytes('late')])).toBe(true);
    await Promise.all([client.closed, server.closed]);
    expect(server.received).toHaveLength(3_000_000);
    expect([client.error, server.error]).toEqual([undefined, undefined]);
  });

  it('close once, with the error of destroy, in a later turn; then nothing', async () => {
    const { client, clientSocket, serverSocket } = await pair();
    serverSocket.write([bytes('on its way')]);
    const reason = new Error('enough');
    clientSocket.destroy(reason);
    clientSocket.destroy(new Error('again'));
    expect(client.events).toEqual([]);
    await client.closed;
    await settle();
    expect(client.events).toEqual(['close']);
    expect(client.error).toBe(reason);
    expect(clientSocket.write([bytes('x')])).toBe(true);
    clientSocket.end();
    clientSocket.pause();
    clientSocket.resume();
    await settle();
    expect(client.events).toEqual(['close']);
  });

  it('give back pressure: write says stop, drain says go', async () => {
    const { client, server, clientSocket, serverSocket } = await pair();
    serverSocket.pause();
    const chunk = new Uint8Array(1 << 20).fill(97);
    let written = 0;
    do {
      written += chunk.length;
    } while (clientSocket.write([chunk]) || clientSocket.bufferedBytes === 0);
    expect(clientSocket.bufferedBytes).toBeGreaterThan(0);
    await settle();
    expect(client.events).toEqual([]);
    expect(server.events).toEqual([]);
    serverSocket.resume();
    await client.until(() => client.events.includes('drain'));
    expect(clientSocket.bufferedBytes).toBe(0);
    await server.until(() => server.received.length === written);
  });

  it('stay paused when they were paused while being accepted', async () => {
    const server = new SocketProbe();
    const accepted = Promise.withResolvers<Socket>();
    const listener = await listen((socket) => {
      socket.pause();
      accepted.resolve(socket);
      return server;
    });
    const client = await net.connect(listener.address, new SocketProbe());
    open.push(client);
    client.write([bytes('x')]);
    const socket = await accepted.promise;
    await settle();
    expect(server.events).toEqual([]);
    socket.resume();
    await server.until(() => server.received === 'x');
    socket.destroy();
  });

  it('report a reset by the peer as an error, and end no process', async () => {
    const server = new SocketProbe();
    const accepted = Promise.withResolvers<Socket>();
    const listener = await listen((socket) => {
      accepted.resolve(socket);
      return server;
    });
    const raw = createConnection(listener.address.port, listener.address.host);
    raw.on('error', () => undefined);
    await accepted.promise;
    raw.resetAndDestroy();
    await server.closed;
    expect(server.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('do not wait for ever for a peer that neither reads nor closes', async () => {
    const silent = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const client = new SocketProbe();
    const { port } = silent.address() as { port: number };
    const impatient = new SystemNet(silentLogger, 20);
    const socket = await impatient.connect({ host: '127.0.0.1', port }, client);
    socket.write([bytes('x')]);
    socket.end();
    await client.closed;
    expect(client.error).toBeUndefined();
    silent.close();
  });

  it('do not wait for ever for a peer that ended and reads nothing of what is still to be sent', async () => {
    const server = new SocketProbe();
    const listener = await listen(
      (socket) => {
        for (let chunk = 0; chunk < 32; chunk += 1) socket.write([new Uint8Array(1 << 20)]);
        return server;
      },
      LOOPBACK,
      new SystemNet(silentLogger, 20),
    );
    const raw = createConnection({ host: '127.0.0.1', port: listener.address.port, allowHalfOpen: true });
    raw.pause().end();
    await server.closed;
    expect(server.events).toEqual(['close']);
    raw.destroy();
  });

  it.each(['data', 'drain', 'close'] as const)('survive a handler that throws in %s', async (method) => {
    const logged: unknown[] = [];
    const logger: Logger = { ...silentLogger, error: (_message, error) => logged.push(error) };
    const boom = new Error('boom');
    const probe = new SocketProbe();
    const original = probe[method].bind(probe) as (value?: never) => void;
    probe[method] = (value?: unknown) => {
      original(value as never);
      throw boom;
    };
    const listener = await listen(
      (socket) => {
        if (method === 'drain') while (socket.write([new Uint8Array(1 << 20)])) continue;
        return probe;
      },
      LOOPBACK,
      new SystemNet(logger),
    );
    const client = new SocketProbe();
    const socket = await net.connect(listener.address, client);
    open.push(socket);
    socket.write([bytes('x')]);
    if (method === 'close') socket.end();
    await Promise.all([client.closed, probe.closed]);
    expect(logged).toContain(boom);
    expect(probe.events.filter((event) => event === 'close')).toHaveLength(1);
    if (method !== 'close') expect(probe.error).toBe(boom);
  });

  it('survive an accept that throws', async () => {
    let calls = 0;
    const listener = await listen(() => {
      calls += 1;
      if (calls === 1) throw new Error('no');
      return new SocketProbe();
    });
    const refused = new SocketProbe();
    await net.connect(listener.address, refused);
    await refused.closed;
    open.push(await net.connect(listener.address, new SocketProbe()));
  });
});

describe('what cannot be reached or bound', () => {
  it('is DISCONNECTED when nobody listens', async () => {
    const probe = new SocketProbe();
    const gone = await net.listen(LOOPBACK, () => new SocketProbe());
    await gone[Symbol.asyncDispose]();
    await expect(net.connect(gone.address, probe)).rejects.toMatchObject({
      code: 'DISCONNECTED',
      cause: { code: 'ECONNREFUSED' },
    });
    expect(probe.events).toEqual([]);
  });

  it('is DISCONNECTED when the port is none', async () => {
    await expect(net.connect({ host: '127.0.0.1', port: 70_000 }, new SocketProbe())).rejects.toMatchObject({
      code: 'DISCONNECTED',
    });
  });

  it('is ABORTED by the signal, before and while dialling', async () => {
    const probe = new SocketProbe();
    const listener = await listen(() => new SocketProbe());
    await expect(net.connect(listener.address, probe, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const controller = new AbortController();
    const dialling = net.connect(listener.address, probe, { signal: controller.signal });
    controller.abort(new Error('never mind'));
    await expect(dialling).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'never mind' } });
    await settle();
    expect(probe.events).toEqual([]);
  });

  it('leaves a connection alone that was made before the signal aborted', async () => {
    const server = new SocketProbe();
    const listener = await listen(() => server);
    const controller = new AbortController();
    const client = new SocketProbe();
    const socket = await net.connect(listener.address, client, { signal: controller.signal });
    open.push(socket);
    controller.abort();
    socket.write([bytes('still here')]);
    await server.until(() => server.received === 'still here');
  });

  it('is IO when the address is taken or not ours', async () => {
    const listener = await listen(() => new SocketProbe());
    await expect(net.listen(listener.address, () => new SocketProbe())).rejects.toMatchObject({
      code: 'IO',
      cause: { code: 'EADDRINUSE' },
    });
    await expect(net.listen({ host: '127.0.0.1', port: -1 }, () => new SocketProbe())).rejects.toMatchObject({
      code: 'IO',
    });
  });

  it('lets accepted connections live on when the listener is disposed', async () => {
    const { clientSocket, server, listener } = await pair();
    await listener[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose]();
    await expect(net.connect(listener.address, new SocketProbe())).rejects.toMatchObject({ code: 'DISCONNECTED' });
    clientSocket.write([bytes('x')]);
    await server.until(() => server.received === 'x');
  });
});
