import type { Address } from '@quorate/core';

import { NodesSource } from './nodes-source.ts';
import { serveDashboard } from './serve-dashboard.ts';
import type { ServedDashboard } from './serve-dashboard.ts';

export interface ServeNodesOptions {
  /** Where it is to be looked at; beyond loopback it only shows. */
  readonly at: Address;
  /** Of the HTTP APIs of those that are asked; others of their cluster are shown as these see them. */
  readonly urls: readonly string[];
  /** For nodes that ask who comes. */
  readonly bearerToken: string | undefined;
}

/** A dashboard of nodes that were started by somebody else, one of them or all: it hands leadership over, and kills none. */
export async function serveNodes({ at, urls, bearerToken }: ServeNodesOptions): Promise<ServedDashboard> {
  const source = new NodesSource({ urls, bearerToken });
  const messages = bearerToken === undefined ? {} : { bearerToken };
  try {
    const dashboard = await serveDashboard({ source, controls: source, messages, ...at });
    return {
      url: dashboard.url,
      [Symbol.asyncDispose]: async () => {
        source[Symbol.dispose]();
        await dashboard[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    source[Symbol.dispose]();
    throw error;
  }
}
