import { consulElection } from '@quorate/election-consul';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer } from '@quorate/test-servers';

import type { TakeoverEngine } from './takeover-engine.ts';

/** What no agent keeps a session for less than, unless its `session_ttl_min` says so; that of this one is 1 s. */
const SESSION_TTL_MS = 10_000;

/** One agent on loopback. A lease of less than 5 s has a session of half of that, the others one of 10 s. */
export const consulTakeover: TakeoverEngine = {
  name: 'consul',
  ttlsMs: [2_000, 5_000, 10_000],
  start: async () => {
    const server = await ConsulServer.start();
    if (server === undefined) return undefined;
    return { place: server.address, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
  },
  election: (place, ttlMs) => {
    const sessionTtlMs = ttlMs < SESSION_TTL_MS / 2 ? ttlMs / 2 : SESSION_TTL_MS;
    return consulElection({ engine: consulEngine({ address: place }), ttlMs, sessionTtlMs });
  },
};
