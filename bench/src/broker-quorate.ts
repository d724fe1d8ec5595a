import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { QUEUE } from './broker-client.ts';
import type { BrokerSystem } from './broker-system.ts';
import { freePorts } from './free-ports.ts';
import type { Scratch } from './scratch.ts';

const NODE_PROCESS = new URL('../../apps/demo/src/node/node-main.ts', import.meta.url);
const IDS = ['a', 'b', 'c'];
const START_MS = 30_000;
const RETRY_MS = 100;
const MAX_MESSAGES = 2_000_000;

/** The demo's nodes as they are, storage in files: each sync is one of the disk's. */
export const quorateBroker: BrokerSystem = {
  name: 'quorate',
  unavailable: () => undefined,
  start: async (scratch) => {
    const ports = await freePorts(IDS.length);
    const data = scratch.folder('quorate');
    const addresses = IDS.map((id, at) => `${id}@127.0.0.1:${ports[at] ?? 0}`);
    const urls = await Promise.all(
      IDS.map((id, at) => startNode(scratch, { id, port: ports[at] ?? 0, data, addresses })),
    );
    await makeQueue(urls[0] ?? '');
    return { system: 'quorate', urls };
  },
};

interface NodeParts {
  readonly id: string;
  readonly port: number;
  readonly data: string;
  readonly addresses: readonly string[];
}

async function startNode(scratch: Scratch, { id, port, data, addresses }: NodeParts): Promise<string> {
  const peers = addresses.filter((address) => !address.startsWith(`${id}@`));
  const options = { id, port, data, peers: peers.join(','), http: '127.0.0.1:0', cluster: 'bench' };
  const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
  const child = scratch.fork(NODE_PROCESS, args);
  for (;;) {
    const [report] = (await once(child, 'message', { signal: AbortSignal.timeout(START_MS) })) as [
      { readonly type: string; readonly url: string },
    ];
    if (report.type === 'started') return report.url;
  }
}

/** As soon as there is a leader to make it. */
async function makeQueue(url: string): Promise<void> {
  for (const end = performance.now() + START_MS; performance.now() < end; await delay(RETRY_MS)) {
    const answer = await fetch(`${url}/v1/queues/${QUEUE}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ options: { maxMessages: MAX_MESSAGES } }),
    });
    if (answer.ok) return;
  }
  throw new Error(`the broker made no queue within ${START_MS} ms`);
}
