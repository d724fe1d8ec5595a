import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { type Address, formatAddress } from '../address.ts';
import { toClusterError } from '../cluster-error.ts';
import type { Logger } from '../logger.ts';
import type { DatagramOptions, DatagramSocket, MulticastOptions } from '../net.ts';
import { LookupBacklog } from './lookup-backlog.ts';
import { addressOf } from './socket.ts';

/** What the operating system doesn't take off our hands is lost beyond this: datagrams may be. */
const MAX_QUEUED_BYTES = 1024 * 1024;

type Receive = (payload: Uint8Array, from: Address) => void;

/** @throws ClusterError `IO` */
export function bindDatagram(
  address: Address,
  receive: Receive,
  { multicast }: DatagramOptions,
  logger: Logger,
): Promise<DatagramSocket> {
  const isShared = multicast !== undefined;
  const type = address.host.includes(':') ? 'udp6' : 'udp4';
  // Several nodes of one machine share a group's port; `::` must not take that of IPv4 away.
  const socket = createSocket({ type, reuseAddr: isShared, ipv6Only: isShared && type === 'udp6' });
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.close();
      reject(toClusterError(error, 'IO', `bind ${formatAddress(address)} for datagrams`));
    };
    socket.once('error', fail);
    socket.bind({ address: address.host, port: address.port, exclusive: true }, () => {
      socket.off('error', fail);
      try {
        if (isShared) join(socket, multicast);
        resolve(new SystemDatagramSocket(socket, receive, logger));
      } catch (error) {
        fail(error);
      }
    });
  });
}

/** @throws Error of the system, where there is no such interface or it has no multicast */
function join(socket: UdpSocket, { group, interface: through, ttl }: MulticastOptions): void {
  if (through !== undefined) socket.setMulticastInterface(through);
  socket.addMembership(group, through);
  socket.setMulticastTTL(ttl);
  socket.setMulticastLoopback(true);
}

class SystemDatagramSocket implements DatagramSocket {
  readonly address: Address;
  readonly #socket: UdpSocket;
  readonly #lookups = new LookupBacklog();
  #closed: Promise<void> | undefined;

  constructor(socket: UdpSocket, receive: Receive, logger: Logger) {
    this.#socket = socket;
    const bound = socket.address();
    this.address = addressOf(bound.address, bound.port);
    socket.on('error', (error) => logger.warn('net: a datagram socket failed', error));
    socket.on('message', (bytes, from) => {
      try {
        receive(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), addressOf(from.address, from.port));
      } catch (error) {
        logger.error('net: a datagram handler failed', error);
      }
    });
  }

  send(payload: Uint8Array, to: Address): void {
    if (this.#closed !== undefined || this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
    const { host, port } = to;
    const { byteLength } = payload;
    // The socket's own queue has only those whose address is known.
    const isName = isIP(host) === 0;
    if (isName && !this.#lookups.add(host, byteLength)) return;
    const done = () => {
      if (isName) this.#lookups.remove(host, byteLength);
    };
    try {
      // A copy, because the system may send it later than this returns. With a callback, failures are no events.
      this.#socket.send(Uint8Array.from(payload), port, host, done);
    } catch {
      // A port or host that cannot be sent to: lost, as the contract has it.
      done();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= new Promise((resolve) => void this.#socket.close(() => resolve()));
    return this.#closed;
  }
}
