import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, checkOptions, rule, toClusterError } from '@quorate/core';
import type { MetricsHandler } from '../prometheus/metrics-handler.ts';

/** Where measurements are served. */
export interface ServeOptions {
  /**
   * 0 for any free one.
   * @default 9464
   */
  readonly port?: number;
  /**
   * What it binds. Nobody is asked who he is: bind others than loopback only where all who reach it may read.
   * @default '127.0.0.1'
   */
  readonly host?: string;
}

/** Serves measurements over HTTP, until it is disposed. */
export interface MetricsServer extends AsyncDisposable {
  /** What was bound. */
  readonly address: Address;
}

const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

export async function serveMetrics(handler: MetricsHandler, options: ServeOptions): Promise<MetricsServer> {
  const rules = { port: rule.integer({ min: 0, max: 65_535 }), host: rule.text() };
  const { port = 9464, host = '127.0.0.1' } = checkOptions<ServeOptions>('prometheus: serve', rules, options);
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS }, (request, response) => {
    const [path] = (request.url ?? '/').split('?', 1);
    if (path === '/metrics') return handler(request, response);
    response.writeHead(404, { 'content-type': 'text/plain' }).end('what is measured is at /metrics\n');
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, port, host);
  const bound = server.address() as AddressInfo;
  return { address: { host, port: bound.port }, [Symbol.asyncDispose]: () => close(server) };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(toClusterError(error, 'IO', `serve metrics at ${host}:${port}`)));
    server.listen(port, host, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
