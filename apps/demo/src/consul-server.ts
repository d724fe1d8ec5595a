import type { StartedServer } from './started-server.ts';

/** An agent of its own. What starts one is loaded now: a node that runs for good has no need of it, and may not have it. */
export async function startConsul(): Promise<StartedServer> {
  const { ConsulServer } = await import('@quorate/test-servers');
  const server = await ConsulServer.start();
  if (server === undefined) {
    throw new Error('consul is not to be had here: start one, and name it with --registry or --elector');
  }
  return { place: server.address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
