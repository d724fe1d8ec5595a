import type { AuditedQueue } from '../audit/observations.ts';
import type { NodesClient } from './nodes-client.ts';
import type { Problem } from './problem.ts';
import { EVENTS } from './workload.ts';

/**
 * Makes the queues, the topic and its subscriptions, where they aren't there.
 * @throws Error when one of that name is there with other options
 */
export async function setUp(client: NodesClient, queues: readonly AuditedQueue[], signal: AbortSignal): Promise<void> {
  const put = async (path: string, body: object) => {
    const answer = await client.persist({ method: 'PUT', path, body, signal });
    if (answer.status < 300) return;
    throw new Error(`${path} can't be made: ${(answer.body as Problem).detail}`);
  };
  await put(`/v1/topics/${EVENTS}`, {});
  for (const { name, ...options } of queues) {
    const [topic = '', subscription] = name.split(':');
    const path =
      subscription === undefined ? `/v1/queues/${name}` : `/v1/topics/${topic}/subscriptions/${subscription}`;
    await put(path, { options });
  }
}
