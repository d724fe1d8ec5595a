import { fork } from 'node:child_process';

import { silentLogger, type Transport } from '@quorate/core';

import { connectPlain, PlainConnection } from './plain-net.ts';
import { startTransport } from './quorate-node.ts';
import { kinds, SECRET } from './transport-kinds.ts';

/** What is compared, behind one face. */
export interface System {
  readonly name: 'quorate' | 'quorate-tls' | 'net';
  echo(payload: Uint8Array): Promise<Uint8Array>;
  /** Ways to send many chunks one way; each resolves when the peer has counted them all. */
  readonly pumps: Readonly<Record<string, (chunk: Uint8Array, count: number) => Promise<void>>>;
  close(): Promise<void>;
}

export async function startQuorate(name: 'quorate' | 'quorate-tls'): Promise<System> {
  const peer = await startPeer(name);
  const transport = await startTransport('bench', silentLogger, name === 'quorate-tls' ? SECRET : undefined);
  const connected = transport.watch();
  transport.addContact({ host: '127.0.0.1', port: peer.port });
  for await (const { type } of connected) if (type === 'connected') break;
  return {
    name,
    echo: (payload) => transport.request('peer', kinds.ECHO, payload),
    pumps: {
      messages: (chunk, count) => pumpMessages(transport, chunk, count),
      stream: (chunk, count) => pumpStream(transport, chunk, count),
    },
    close: async () => {
      await transport[Symbol.asyncDispose]();
      peer.stop();
    },
  };
}

export async function startNet(): Promise<System> {
  const peer = await startPeer('net');
  const waiting = new Map<number, (payload: Uint8Array) => void>();
  const connection = new PlainConnection(await connectPlain(peer.port), (id, payload) => {
    waiting.get(id)?.(payload);
    waiting.delete(id);
  });
  let lastId = 0;
  const echo = (payload: Uint8Array): Promise<Uint8Array> => {
    lastId = (lastId % 0xffff_ffff) + 1;
    const id = lastId;
    connection.send(id, payload);
    return new Promise((resolve) => void waiting.set(id, resolve));
  };
  const pump = async (chunk: Uint8Array, count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent += 1) if (!connection.send(0, chunk)) await connection.drained();
    check(Number(Buffer.from(await echo(new Uint8Array(0)))), chunk.length * count);
  };
  const close = (): Promise<void> => {
    connection.close();
    peer.stop();
    return Promise.resolve();
  };
  return { name: 'net', echo, pumps: { messages: pump, stream: pump }, close };
}

async function pumpMessages(transport: Transport, chunk: Uint8Array, count: number): Promise<void> {
  for (let sent = 0; sent < count;) {
    if (transport.send('peer', kinds.SINK, chunk)) sent += 1;
    else await new Promise((resolve) => void setImmediate(resolve));
  }
  await checkCount(transport, chunk.length * count);
}

async function pumpStream(transport: Transport, chunk: Uint8Array, count: number): Promise<void> {
  const stream = await transport.openStream('peer', kinds.SINK);
  for (let sent = 0; sent < count; sent += 1) await stream.write(chunk);
  await stream.end();
  await checkCount(transport, chunk.length * count);
}

async function checkCount(transport: Transport, expected: number): Promise<void> {
  for (;;) {
    try {
      const answer = await transport.request('peer', kinds.COUNT, new Uint8Array(0), { timeoutMs: 60_000 });
      check(Number(new TextDecoder().decode(answer)), expected);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'OVERLOADED') throw error;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }
}

function check(counted: number, expected: number): void {
  if (counted !== expected) throw new Error(`the peer counted ${counted} bytes of ${expected}`);
}

async function startPeer(system: string): Promise<{ readonly port: number; stop(): void }> {
  const child = fork(new URL('transport-peer.ts', import.meta.url), [system]);
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number));
    child.once('exit', (code) => reject(new Error(`the peer ended with code ${code}`)));
  });
  return { port, stop: () => child.disconnect() };
}
