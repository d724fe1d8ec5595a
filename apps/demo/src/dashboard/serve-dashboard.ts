import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';

import { Dashboard } from './dashboard.ts';
import type { DashboardOptions } from './dashboard.ts';

export interface ServeDashboardOptions extends DashboardOptions {
  /**
   * Beyond loopback everybody who reaches the port sees everything: there nothing can be done, `controls` and
   * `messages` or not, unless `remoteControls`.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string;
  /** @default 0, which takes a free one */
  readonly port?: number;
  /** @default false */
  readonly remoteControls?: boolean;
}

export interface ServedDashboard extends AsyncDisposable {
  readonly url: string;
}

/** Resolves when it can be looked at. */
export async function serveDashboard(options: ServeDashboardOptions): Promise<ServedDashboard> {
  const { host = '127.0.0.1', port = 0, remoteControls = false } = options;
  const { source, hostNames = [] } = options;
  const isForAll = remoteControls || isLoopback(host);
  const dashboard = new Dashboard(isForAll ? options : { source, hostNames });
  const server = createServer((request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?');
    dashboard.handle(request, response, path.slice(1));
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 256;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    dashboard[Symbol.dispose]();
    throw error;
  }
  const { address, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${bound}/`,
    [Symbol.asyncDispose]: async () => {
      dashboard[Symbol.dispose]();
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
