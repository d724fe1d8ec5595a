import { randomUUID } from 'node:crypto';
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { BODY_BYTES, type BrokerClient, QUEUE } from './broker-client.ts';

const MINUTE_NS = 60e9;
const FETCH_MS = 1_000;
/** As of a queue of the demo's broker. */
const DUPLICATES_NS = 5 * MINUTE_NS;
const MAX_MESSAGES = 2_000_000;
const body = new TextEncoder().encode('m'.repeat(BODY_BYTES));

/**
 * JetStream as a queue: a stream of three replicas on disk from which goes what is acknowledged, ids that are remembered for
 * as long, acknowledgements that are confirmed. A batch is as many requests at once: it has none that takes many.
 */
export async function natsBrokerClient(urls: readonly string[]): Promise<BrokerClient> {
  const connections = await Promise.all(urls.map((server) => connect({ servers: server, reconnect: false })));
  const [first] = connections;
  if (first === undefined) throw new Error('there is no server');
  const manager = await jetstreamManager(first);
  await manager.streams.add({
    name: QUEUE,
    subjects: [QUEUE],
    num_replicas: urls.length,
    storage: StorageType.File,
    retention: RetentionPolicy.Workqueue,
    duplicate_window: DUPLICATES_NS,
    max_msgs: MAX_MESSAGES,
  });
  await manager.consumers.add(QUEUE, {
    durable_name: QUEUE,
    ack_policy: AckPolicy.Explicit,
    ack_wait: MINUTE_NS / 2,
    max_ack_pending: -1,
  });
  const streams = connections.map((connection) => jetstream(connection));
  const consumers = await Promise.all(streams.map((each) => each.consumers.get(QUEUE, QUEUE)));
  const run = randomUUID();
  let requests = 0;
  let messages = 0;
  return {
    publish: async (count) => {
      requests += 1;
      const stream = streams[requests % streams.length] ?? jetstream(first);
      const publishing = Array.from({ length: count }, () =>
        stream.publish(QUEUE, body, { msgID: `${run}-${(messages += 1)}` }),
      );
      await Promise.all(publishing);
    },
    consume: async (most) => {
      requests += 1;
      const fetched = await consumers[requests % consumers.length]?.fetch({ max_messages: most, expires: FETCH_MS });
      if (fetched === undefined) return 0;
      const acknowledging: Promise<boolean>[] = [];
      for await (const message of fetched) acknowledging.push(message.ackAck());
      return (await Promise.all(acknowledging)).filter(Boolean).length;
    },
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}
