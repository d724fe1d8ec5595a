import type { CallOptions } from '@quorate/core';

/** What secures the connection to Consul; all texts are PEM. */
export interface ConsulTls {
  /** Whom to trust instead of the authorities that Node.js brings along. */
  readonly ca?: string;
  /** This client's certificate and key, where Consul asks for one (`verify_incoming`). */
  readonly cert?: string;
  readonly key?: string;
  /**
   * The name that Consul's certificate must be for.
   * @default the host of the address
   */
  readonly serverName?: string;
}

/** A request to be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Encoded, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** A longer answer is refused before it is held. */
  readonly maxBytes: number;
  readonly tls?: ConsulTls | undefined;
}

/** What was answered to a request. */
export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/**
 * What carries requests to one place. Disposing closes all its connections, and with them the requests under way.
 */
export interface HttpExchange extends Disposable {
  /**
   * Resolves with whatever was answered, be it a failure. The signal closes the connection: without one this may wait
   * for ever.
   * @throws ClusterError `DISCONNECTED` with the outcome `not-applied` when the request never left, `PROTOCOL` when the
   * answer is none of HTTP or too long, `ABORTED` by the signal
   */
  send(request: HttpRequest, options?: CallOptions): Promise<HttpAnswer>;
  /** For requests one after the other, on a connection that nobody else uses. It is closed with the exchange, too. */
  openLine(): HttpLine;
}

export interface LineOptions extends CallOptions {
  /**
   * Whether the other side must still be the one that answered the request before. It is while the connection is the same;
   * with one that the other side closes after each answer, nobody can tell.
   */
  readonly continues: boolean;
}

/** One connection, for requests one after the other. */
export interface HttpLine extends Disposable {
  /** As that of the exchange. @throws ClusterError `DISCONNECTED` when it can't continue */
  send(request: HttpRequest, options: LineOptions): Promise<HttpAnswer>;
}
