/**
 * A node that stands for election in a process of its own, to be stopped, blocked and killed. It tells a sample of its
 * grant a line; `block MS` on its input keeps its event loop busy, `end` makes it resign and exit.
 */
import { createInterface } from 'node:readline';

import { type ClusterContext, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';

import { kubernetesElection, type KubernetesElectionOptions } from '../../src/index.ts';
import { sampleGrant } from './grant-samples.ts';

interface Orders {
  readonly id: string;
  readonly server: string;
  readonly serviceAccount: string;
  readonly options: KubernetesElectionOptions;
}

const { id, server, serviceAccount, options } = JSON.parse(process.argv[2] ?? '{}') as Orders;
const context = {
  ...nodeSystem({ logger: silentLogger }),
  logger: silentLogger,
  self: { id, host: '127.0.0.1', port: 7000 },
  incarnation: Date.now(),
  cluster: { name: 'faults' },
} as unknown as ClusterContext;
const engine = kubernetesEngine({ server, serviceAccount });
const election = kubernetesElection({ ...options, engine }).create(context);

const tell = (): void => void process.stdout.write(`${JSON.stringify(sampleGrant(election))}\n`);
setInterval(tell, 5);
for (const line of ['SIGINT', 'SIGTERM'] as const) process.on(line, () => process.exit(1));
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [order, ms = '0'] = line.split(' ');
    if (order === 'block') {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
      tell();
    } else void election[Symbol.asyncDispose]().then(() => process.exit(0));
  })
  .on('close', () => process.exit(0));

await election.start();
for (;;) {
  const { signal } = await election.campaign();
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
