import { recordClaims, singletonTask, type SingletonTask, type VersionedRecords } from '@quorate/coordination';
import {
  type Cluster,
  createCluster,
  type LeaderElection,
  type Plugin,
  silentLogger,
  sleep,
  type System,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulElection } from '@quorate/election-consul';
import { etcdElection } from '@quorate/election-etcd';
import { kubernetesElection } from '@quorate/election-kubernetes';
import { consulEngine, consulRecords } from '@quorate/engine-consul';
import { etcdEngine, etcdRecords } from '@quorate/engine-etcd';
import { kubernetesEngine, kubernetesRecords } from '@quorate/engine-kubernetes';
import { ConsulServer, EtcdCluster, findKubernetes, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterAll, describe, expect, it } from 'vitest';

const owned: AsyncDisposable[] = [];
afterAll(async () => {
  for (const part of owned.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

/** An engine that elects, and keeps the claims of tasks. */
interface Keeper {
  election(): Plugin<LeaderElection, 'election'>;
  records(system: System): VersionedRecords;
}

async function onEtcd(): Promise<Keeper | undefined> {
  const etcd = await EtcdCluster.start();
  if (etcd === undefined) return undefined;
  owned.push(etcd);
  const engine = etcdEngine({ endpoints: etcd.endpoints });
  return {
    election: () => etcdElection({ engine, name: '/orders/leader' }),
    records: (system) => {
      const client = engine.open(system);
      owned.push({ [Symbol.asyncDispose]: async () => client[Symbol.dispose]() });
      return etcdRecords(client, { prefix: '/orders/tasks/' });
    },
  };
}

async function onConsul(): Promise<Keeper | undefined> {
  const consul = await ConsulServer.start();
  if (consul === undefined) return undefined;
  owned.push(consul);
  const engine = consulEngine({ address: consul.address });
  return {
    election: () => consulElection({ engine, key: 'orders/leader/.lock' }),
    records: (system) => {
      const client = engine.open(system);
      owned.push(client);
      return consulRecords(client, { folder: 'orders/tasks' });
    },
  };
}

async function onKubernetes(): Promise<Keeper | undefined> {
  const programs = findKubernetes();
  if (programs === undefined) return undefined;
  const server = await KubernetesServer.start(programs);
  owned.push(server);
  const serviceAccount = server.serviceAccount('orders', server.tokens.admin);
  const engine = kubernetesEngine({ server: server.url, serviceAccount });
  return {
    // Who finds no Lease waits as long as one could have been valid that was deleted.
    election: () => kubernetesElection({ engine, name: 'orders-leader', ttlMs: 2_000 }),
    records: ({ clock }) => {
      const client = engine.connect(clock);
      owned.push(client);
      return kubernetesRecords(client);
    },
  };
}

describe.each([
  ['etcd', onEtcd],
  ['consul', onConsul],
  ['kube-apiserver', onKubernetes],
])('slots that are claimed on %s, where nothing is replicated', (name, start) => {
  it('are each begun once, and none is lost, while leaders change', async (context) => {
    const keeper = await start();
    if (keeper === undefined) {
      reportAbsent(name);
      return context.skip();
    }
    const { clock } = nodeSystem();
    const begun: { readonly id: string; readonly time: number; readonly starts: number }[] = [];
    const run = async (id: string): Promise<readonly [Cluster, SingletonTask]> => {
      const cluster = createCluster({
        name: 'orders',
        nodeId: id,
        bind: '127.0.0.1:0',
        transport: tcpTransport(),
        election: keeper.election(),
        logger: silentLogger,
      });
      await cluster.start();
      const task = singletonTask(
        cluster,
        'report',
        ({ slot }) => void begun.push({ id, time: slot?.time ?? 0, starts: slot?.starts ?? 0 }),
        {
          schedule: { everyMs: 100 },
          claims: recordClaims(keeper.records(cluster.system)),
          catchUp: 'all',
          onInterrupted: 'rerun',
          stopWithinMs: 100,
        },
      );
      return [cluster, task];
    };
    const nodes = await Promise.all(['a', 'b', 'c'].map(run));
    const more = async (count: number): Promise<void> => {
      const goal = begun.length + count;
      while (begun.length < goal) await sleep(clock, 20);
    };
    await more(5);
    while (nodes.length > 1) {
      const at = nodes.findIndex(([cluster]) => cluster.isLeader);
      const [[leader, task] = []] = nodes.splice(Math.max(at, 0), 1);
      await task?.[Symbol.asyncDispose]();
      await leader?.stop();
      await more(5);
    }
    for (const [cluster, task] of nodes) {
      await task[Symbol.asyncDispose]();
      await cluster.stop();
    }
    // One that ended when its node was told to stop may not have been settled any more: it is begun again, as such.
    const claimed = begun.filter(({ starts }) => starts === 1).map(({ time }) => time);
    expect(claimed).toEqual(claimed.map((_, at) => (claimed[0] ?? 0) + at * 100));
    expect(claimed.length).toBeGreaterThan(10);
    expect(new Set(begun.map(({ id }) => id)).size).toBeGreaterThan(1);
  }, 60_000);
});
