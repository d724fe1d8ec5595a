import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type Logger, silentLogger, type System } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { startTransport } from './quorate-node.ts';

/** The first bytes of a connection by whoever has the secret, as somebody on the way sees them: what TLS calls a `ClientHello`. */
export async function overheardHello(secret: string): Promise<Buffer> {
  const ear = createServer();
  ear.listen(0, '127.0.0.1');
  await once(ear, 'listening');
  const dialler = await startTransport('dialler', silentLogger, secret);
  try {
    const { port } = ear.address() as { readonly port: number };
    const heard = once(ear, 'connection');
    dialler.addContact({ host: '127.0.0.1', port });
    const [socket] = (await heard) as [Socket];
    socket.on('error', () => undefined);
    const [hello] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return hello;
  } finally {
    await dialler[Symbol.asyncDispose]();
    ear.close();
  }
}

/** The machine of a node whose datagrams somebody on the way sees. */
export class OverheardSystem {
  readonly system: System;
  readonly #heard = new Map<number, Uint8Array>();

  constructor(logger: Logger = silentLogger) {
    const system = nodeSystem({ logger });
    const { net } = system;
    const bindDatagram: typeof net.bindDatagram = async (...given) => {
      const socket = await net.bindDatagram(...given);
      return {
        address: socket.address,
        send: (payload, to) => {
          this.#heard.set(to.port, payload);
          socket.send(payload, to);
        },
        [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
      };
    };
    this.system = {
      ...system,
      net: {
        connect: (...given) => net.connect(...given),
        listen: (...given) => net.listen(...given),
        bindDatagram,
      },
    };
  }

  /** The latest one to this port. */
  latest(port: number): Uint8Array | undefined {
    return this.#heard.get(port);
  }
}
