import { ConsulServer } from '@quorate/test-servers';
import type { StartedServer } from './started-server.ts';

/** An agent of its own. */
export async function startConsul(): Promise<StartedServer> {
  const server = await ConsulServer.start();
  if (server === undefined) {
    throw new Error('consul is not to be had here: start one, and name it with --registry or --elector');
  }
  return { place: server.address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
