import type { Address } from './address.ts';
import type { CallOptions } from './call-options.ts';
import type { ClusterError } from './cluster-error.ts';
import type { CertificateDetails, CertificateSet, SecuredStream, StreamSecurity } from './stream-security.ts';

/** The network, handed in: byte streams and datagrams. The simulator implements it below every protocol. */
export interface Net {
  /**
   * Opens a byte stream. The handler is called from a later turn of the event loop on.
   * @throws ClusterError `DISCONNECTED` when nobody accepts (with a cause of the code `ECONNREFUSED` where the machine
   * answers that nobody listens there), `REFUSED` when either end doesn't accept what the other shows
   * of itself, `ABORTED` by the signal
   */
  connect(address: Address, handler: SocketHandler, options?: ConnectOptions): Promise<Socket>;
  /**
   * Accepts byte streams; `accept` is called for each and returns its handler. With a security, only for those whose peer
   * has shown what it asks for.
   * @throws ClusterError `IO` when the address cannot be bound
   */
  listen(address: Address, accept: (socket: Socket) => SocketHandler, options?: ListenOptions): Promise<Listener>;
  /**
   * What the first certificate says. Absent: this network can't secure streams by certificates.
   * @throws ClusterError `INVALID_OPTIONS` when the set can't be used: damaged, key and certificate don't belong together,
   * not valid now
   */
  inspectCertificates?(certificates: CertificateSet): CertificateDetails;
  /**
   * Sends and receives datagrams. With `multicast`, those of a group too.
   * @throws ClusterError `IO` when the address cannot be bound, or the group not be joined
   */
  bindDatagram(
    address: Address,
    receive: (payload: Uint8Array, from: Address) => void,
    options?: DatagramOptions,
  ): Promise<DatagramSocket>;
}

/** How a connection is made. */
export interface ConnectOptions extends CallOptions {
  /** @default none: plain bytes */
  readonly security?: StreamSecurity | undefined;
}

/** How connections are taken. */
export interface ListenOptions {
  /** @default none: plain bytes */
  readonly security?: StreamSecurity | undefined;
  /**
   * With a security: the most connections that have not shown what they are to show; beyond it the oldest is closed.
   * @default 128
   */
  readonly maxHandshakes?: number;
  /**
   * With a security: the time for that, in milliseconds.
   * @default 5000
   */
  readonly handshakeTimeoutMs?: number;
  /** With a security: a connection ended before `accept`. `REFUSED` says why, `TIMEOUT`, `OVERLOADED`. */
  readonly refused?: (remote: Address, error: ClusterError) => void;
}

/** How a socket for datagrams is bound. */
export interface DatagramOptions {
  /** @default none: only what is sent to the address arrives, and the port is this socket's alone */
  readonly multicast?: MulticastOptions;
}

/**
 * A group that a socket joins. Its address is then a wildcard (`0.0.0.0`, `::`) with the group's port, which it shares with
 * all on this machine that joined likewise. All of them hear what any of them sends to the group, itself included. What is
 * sent to an address of the machine itself reaches any one of them, or none.
 */
export interface MulticastOptions {
  /** The group's address: of 224.0.0.0/4, or of ff00::/8 where the socket's address is of IPv6. */
  readonly group: string;
  /**
   * Through which interface it hears and sends: one of its IPv4 addresses; in IPv6 its name, behind `::%` as in `::%eth0`.
   * @default the system's choice: that of its default route
   */
  readonly interface?: string | undefined;
  /** How many networks what it sends may pass through: 0 stays on this machine, 1 in the local network. */
  readonly ttl: number;
}

/** A socket calls its handler in order: any number of `data` and `drain`, then `close` once, then nothing. */
export interface SocketHandler {
  /** The bytes are the handler's to keep. */
  data(bytes: Uint8Array): void;
  /** What was written fell below the mark after `write` had returned false. */
  drain(): void;
  /**
   * The stream has ended: by either side, without an error, or with the one that ended it. Of a secured stream a `ClusterError`
   * `PROTOCOL` when what came is not as the other side sealed it, and `REFUSED` when that side says so of what it got.
   */
  close(error?: Error): void;
}

/** A reliable, ordered stream of bytes between two processes. */
export interface Socket {
  readonly local: Address;
  readonly remote: Address;
  /** Undefined: anybody may be at the other end, and on the way. */
  readonly secured?: SecuredStream | undefined;
  /** Bytes written and not yet handed to the operating system. */
  readonly bufferedBytes: number;
  /**
   * Writes the chunks in order, in one system call where that is possible. The bytes must not change afterwards.
   * False: more is buffered than is good, hold back until `drain`. Ignored after `end` or `destroy`.
   */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Stops and restarts `data`: backpressure towards the sender. */
  pause(): void;
  /** Has `data` called again, first with what has come meanwhile. */
  resume(): void;
  /** Sends what is buffered, then closes. */
  end(): void;
  /** Closes at once; `close` follows with this error in a later turn. Idempotent. */
  destroy(error?: Error): void;
}

/** A port on which connections are taken, until it is disposed. */
export interface Listener extends AsyncDisposable {
  /** The bound address, with the port that was chosen. */
  readonly address: Address;
}

/** Sends and receives single packets. */
export interface DatagramSocket extends AsyncDisposable {
  readonly address: Address;
  /** At most once, in no order, and no error: what does not arrive is lost. */
  send(payload: Uint8Array, to: Address): void;
}
