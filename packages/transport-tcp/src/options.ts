import { checkOptions, invalidOption, type NodeId, type OptionRules, rule } from '@quorate/core';

/** How connections are kept an eye on. */
export interface HeartbeatOptions {
  /**
   * A connection on which nothing was heard for so long is asked whether it lives.
   * @default 1000
   */
  readonly intervalMs?: number;
  /**
   * A connection on which nothing was heard for so long is over. At least twice the interval.
   * @default 5000
   */
  readonly timeoutMs?: number;
}

/** How soon a lost peer is dialled again. */
export interface ReconnectOptions {
  /**
   * The delay before the second attempt, which doubles with each further one; half of each delay is jitter.
   * @default 1000
   */
  readonly minMs?: number;
  /**
   * No delay is longer.
   * @default 30000
   */
  readonly maxMs?: number;
}

/** What `tcpTransport` is told. */
export interface TcpTransportOptions {
  /**
   * The largest frame accepted, in bytes. A message, a request or an answer must fit into one.
   * @default 1048576
   */
  readonly maxFrameBytes?: number;
  /**
   * The most bytes queued for a peer; beyond it messages and requests are refused.
   * @default 8388608
   */
  readonly maxQueueBytes?: number;
  /**
   * The most requests in flight on a connection, in each direction.
   * @default 1024
   */
  readonly maxRequests?: number;
  /**
   * The most streams open on a connection, in each direction.
   * @default 64
   */
  readonly maxStreams?: number;
  /**
   * The most bytes of a stream that its receiver holds while its handler is busy.
   * @default 262144
   */
  readonly streamWindowBytes?: number;
  /**
   * The time for a connection to be made and to finish its handshake, in milliseconds.
   * @default 5000
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The most incoming connections that have not finished their handshake; beyond it the oldest is closed.
   * @default 128
   */
  readonly maxPendingConnections?: number;
  /**
   * The most peers known at a time. Beyond it a disconnected one is forgotten, and if there is none, newcomers are
   * refused.
   * @default 1024
   */
  readonly maxPeers?: number;
  /**
   * The most connections of clients at a time: programs that ask this node, and are none of the cluster. Beyond it they
   * are refused.
   * @default 32
   */
  readonly maxClients?: number;
  /**
   * Whether there may be a connection with the node, or client, of this id; asked in each handshake, whoever has dialled.
   * @default whoever belongs to the cluster
   */
  readonly allow?: (id: NodeId) => boolean;
  readonly heartbeat?: HeartbeatOptions;
  readonly reconnect?: ReconnectOptions;
}

/** The options, complete. */
export interface Settings extends Required<Omit<TcpTransportOptions, 'heartbeat' | 'reconnect'>> {
  readonly heartbeat: Required<HeartbeatOptions>;
  readonly reconnect: Required<ReconnectOptions>;
}

const MIB = 1024 * 1024;

/** @throws ClusterError `INVALID_OPTIONS` */
export function settingsFrom(options: TcpTransportOptions): Settings {
  const given = checkOptions('tcpTransport', rules, options);
  return {
    maxFrameBytes: MIB,
    maxQueueBytes: 8 * MIB,
    maxRequests: 1024,
    maxStreams: 64,
    streamWindowBytes: 256 * 1024,
    handshakeTimeoutMs: 5000,
    maxPendingConnections: 128,
    maxPeers: 1024,
    maxClients: 32,
    allow: () => true,
    ...given,
    heartbeat: heartbeatFrom(given.heartbeat),
    reconnect: reconnectFrom(given.reconnect),
  };
}

const duration = rule.duration({ min: 1, max: 24 * 60 * 60 * 1000 });

const rules: OptionRules<TcpTransportOptions> = {
  maxFrameBytes: rule.integer({ min: 64 * 1024, max: 64 * MIB }),
  maxQueueBytes: rule.integer({ min: 64 * 1024, max: 1024 * MIB }),
  maxRequests: rule.integer({ min: 1, max: 1_000_000 }),
  maxStreams: rule.integer({ min: 1, max: 65_536 }),
  streamWindowBytes: rule.integer({ min: 16 * 1024, max: 64 * MIB }),
  handshakeTimeoutMs: duration,
  maxPendingConnections: rule.integer({ min: 1, max: 65_536 }),
  maxPeers: rule.integer({ min: 1, max: 65_536 }),
  maxClients: rule.integer({ min: 0, max: 65_536 }),
  allow: rule.value('a function from a node id to true or false', (value) => typeof value === 'function'),
  heartbeat: rule.group<HeartbeatOptions>('tcpTransport: heartbeat', { intervalMs: duration, timeoutMs: duration }),
  reconnect: rule.group<ReconnectOptions>('tcpTransport: reconnect', { minMs: duration, maxMs: duration }),
};

function heartbeatFrom(given: HeartbeatOptions = {}): Required<HeartbeatOptions> {
  const heartbeat = { intervalMs: 1000, timeoutMs: 5000, ...given };
  const expected = `at least twice heartbeat.intervalMs (${heartbeat.intervalMs})`;
  if (heartbeat.timeoutMs >= 2 * heartbeat.intervalMs) return heartbeat;
  throw invalidOption('tcpTransport', 'heartbeat.timeoutMs', expected, heartbeat.timeoutMs);
}

function reconnectFrom(given: ReconnectOptions = {}): Required<ReconnectOptions> {
  const reconnect = { minMs: 1000, maxMs: 30_000, ...given };
  const expected = `at least reconnect.minMs (${reconnect.minMs})`;
  if (reconnect.maxMs >= reconnect.minMs) return reconnect;
  throw invalidOption('tcpTransport', 'reconnect.maxMs', expected, reconnect.maxMs);
}
