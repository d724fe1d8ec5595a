import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import { BODY_BYTES, type BrokerClient, QUEUE } from './broker-client.ts';

const CONNECTIONS = 512;
const RECEIVE_WAIT_MS = 1_000;
/** The most that one request may receive. */
const MOST_RECEIVED = 256;
const body = 'm'.repeat(BODY_BYTES);

/** The demo's broker by its HTTP API: requests go to its three nodes in turns, over connections that stay. */
export function httpBrokerClient(urls: readonly string[]): BrokerClient {
  const pools = urls.map((url) => new Pool(url, { connections: CONNECTIONS, pipelining: 1 }));
  const run = randomUUID();
  let requests = 0;
  let messages = 0;

  async function post(action: string, content: object): Promise<Record<string, unknown>> {
    requests += 1;
    const pool = pools[requests % pools.length] as Pool;
    const answer = await pool.request({
      method: 'POST',
      path: `/v1/queues/${QUEUE}/${action}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(content),
    });
    if (answer.statusCode >= 300) throw new Error(`${action}: ${answer.statusCode} ${await answer.body.text()}`);
    return (await answer.body.json()) as Record<string, unknown>;
  }

  return {
    publish: async (count) => {
      const batch = Array.from({ length: count }, () => ({ id: `${run}-${(messages += 1)}`, body }));
      await post('messages', { messages: batch });
    },
    consume: async (most) => {
      const { deliveries } = await post('receive', { max: Math.min(most, MOST_RECEIVED), waitMs: RECEIVE_WAIT_MS });
      const receipts = (deliveries as readonly { readonly receipt: string }[]).map(({ receipt }) => receipt);
      if (receipts.length === 0) return 0;
      const { settled } = await post('acknowledge', { receipts });
      return (settled as readonly string[]).filter((each) => each === 'done').length;
    },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}
