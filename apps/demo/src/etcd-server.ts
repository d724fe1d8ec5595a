import type { StartedServer } from './started-server.ts';

/** Where an etcd of one's own listens. */
export const ETCD_PLACE = 'http://127.0.0.1:2379';

/** One member. What starts one is loaded now: a node that runs for good has no need of it, and may not have it. */
export async function startEtcd(): Promise<StartedServer> {
  const { EtcdCluster } = await import('@quorate/test-servers');
  const server = await EtcdCluster.start();
  if (server === undefined) {
    throw new Error('etcd is not to be had here: start one, and name it with --registry or --elector');
  }
  return { place: server.endpoints.join(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
