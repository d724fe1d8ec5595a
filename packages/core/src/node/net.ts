import { createConnection, createServer, type Server } from 'node:net';
import { type Address, formatAddress } from '../address.ts';
import { toClusterError } from '../cluster-error.ts';
import { settleWithin } from '../deadline.ts';
import type { Logger } from '../logger.ts';
import type {
  ConnectOptions,
  DatagramOptions,
  DatagramSocket,
  Listener,
  ListenOptions,
  Net,
  Socket,
  SocketHandler,
} from '../net.ts';
import type { StreamSecurity } from '../stream-security.ts';
import { bindDatagram } from './datagram.ts';
import { dialSecurely } from './secure-dial.ts';
import { SecureListener } from './secure-listener.ts';
import { SystemSocket } from './socket.ts';
import { secureError } from './tls-error.ts';
import { inspectCertificates } from './x509.ts';

/** The network of the operating system. */
export class SystemNet implements Net {
  readonly #logger: Logger;
  readonly #lingerMs: number;

  /** @param lingerMs how long one side of a stream, done itself, waits for the other to be done before it closes */
  constructor(logger: Logger, lingerMs = 2000) {
    this.#logger = logger;
    this.#lingerMs = lingerMs;
  }

  readonly inspectCertificates: NonNullable<Net['inspectCertificates']> = inspectCertificates;

  connect(address: Address, handler: SocketHandler, options: ConnectOptions = {}): Promise<Socket> {
    const what = `connect to ${formatAddress(address)}`;
    if (options.security !== undefined) return this.#connectSecurely(address, handler, options.security, options);
    return settleWithin<Socket>(options.signal, what, (resolve, reject) => {
      const fail = (error: unknown) => reject(toClusterError(error, 'DISCONNECTED', what));
      try {
        const stream = createConnection({ host: address.host, port: address.port, noDelay: true });
        let connected = false;
        stream.on('error', fail);
        stream.once('connect', () => {
          connected = true;
          stream.off('error', fail);
          const socket = new SystemSocket(stream, this.#logger, this.#lingerMs);
          socket.attach(handler);
          resolve(socket);
        });
        return () => void (connected || stream.destroy());
      } catch (error) {
        fail(error);
        return () => undefined;
      }
    });
  }

  async listen(
    address: Address,
    accept: (socket: Socket) => SocketHandler,
    options: ListenOptions = {},
  ): Promise<Listener> {
    const server = createServer({ noDelay: true });
    const take = (socket: SystemSocket): void => {
      try {
        socket.attach(accept(socket));
      } catch (error) {
        this.#logger.error('net: accepting a connection failed', error);
        socket.destroy();
      }
    };
    const secure =
      options.security &&
      new SecureListener(options.security, options, (stream, secured) =>
        take(new SystemSocket(stream, this.#logger, this.#lingerMs, secured)),
      );
    server.on('connection', (stream) => {
      if (secure === undefined) take(new SystemSocket(stream, this.#logger, this.#lingerMs));
      else secure.take(stream);
    });
    await listening(server, address);
    server.on('error', (error) => this.#logger.warn(`net: accepting at ${formatAddress(address)} failed`, error));
    return new SystemListener(server, () => secure?.close());
  }

  bindDatagram(
    address: Address,
    receive: (payload: Uint8Array, from: Address) => void,
    options: DatagramOptions = {},
  ): Promise<DatagramSocket> {
    return bindDatagram(address, receive, options, this.#logger);
  }

  #connectSecurely(
    address: Address,
    handler: SocketHandler,
    security: StreamSecurity,
    { signal }: ConnectOptions,
  ): Promise<Socket> {
    const what = `connect to ${formatAddress(address)}`;
    return settleWithin<Socket>(signal, what, (resolve, reject) => {
      const fail = (error: unknown) => reject(secureError(error, what));
      try {
        const dial = dialSecurely(address, security);
        const { stream } = dial;
        let connected = false;
        stream.setNoDelay(true);
        stream.on('error', fail);
        stream.once('secureConnect', () => {
          try {
            const secured = dial.secured();
            connected = true;
            const socket = new SystemSocket(stream, this.#logger, this.#lingerMs, secured);
            stream.off('error', fail);
            socket.attach(handler);
            resolve(socket);
          } catch (error) {
            stream.destroy();
            fail(error);
          }
        });
        return () => void (connected || stream.destroy());
      } catch (error) {
        fail(error);
        return () => undefined;
      }
    });
  }
}

function listening(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(toClusterError(error, 'IO', `listen at ${formatAddress(address)}`));
    server.once('error', fail);
    try {
      // Exclusive: a worker of node:cluster must not share the port of another node.
      server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        server.off('error', fail);
        resolve();
      });
    } catch (error) {
      fail(error);
    }
  });
}

class SystemListener implements Listener {
  readonly address: Address;
  readonly #server: Server;
  readonly #onClose: () => void;

  constructor(server: Server, onClose: () => void) {
    this.#server = server;
    this.#onClose = onClose;
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new TypeError('a server of TCP has an address and a port');
    this.address = { host: bound.address, port: bound.port };
  }

  /** Connections that were accepted live on, so this doesn't wait for them. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#onClose();
    return new Promise((resolve) => void setImmediate(resolve));
  }
}
