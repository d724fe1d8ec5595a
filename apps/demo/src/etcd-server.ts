import { EtcdCluster } from '@quorate/test-servers';
import type { StartedServer } from './started-server.ts';

/** Where an etcd of one's own listens. */
export const ETCD_PLACE = 'http://127.0.0.1:2379';

/** One member. */
export async function startEtcd(): Promise<StartedServer> {
  const server = await EtcdCluster.start();
  if (server === undefined) {
    throw new Error('etcd is not to be had here: start one, and name it with --registry or --elector');
  }
  return { place: server.endpoints.join(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
