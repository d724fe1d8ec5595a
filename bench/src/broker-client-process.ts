// The clients of the broker benchmark: SETTINGS as JSON; carries what it is told over its channel out, and reports there.
import type { BrokerClient, BrokerClientSettings, BrokerLoadTask } from './broker-client.ts';
import { httpBrokerClient } from './broker-http-client.ts';
import { natsBrokerClient } from './broker-nats-client.ts';
import { closedLoop, type Load } from './closed-loop.ts';

const { system, urls } = JSON.parse(process.argv[2] ?? '') as BrokerClientSettings;

process.on('disconnect', () => process.exit());
const client = system === 'quorate' ? httpBrokerClient(urls) : await natsBrokerClient(urls);
process.on('message', (task: BrokerLoadTask) => {
  perform(client, task).then(
    (load) => process.send?.({ load }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});
process.send?.({});

/** Latencies of requests, or of whole cycles; messages a second. */
async function perform(broker: BrokerClient, { measure, concurrency, batch, seconds }: BrokerLoadTask): Promise<Load> {
  const call = measure === 'publish' ? () => broker.publish(batch) : () => cycle(broker, batch);
  const load = await closedLoop(call, concurrency, seconds);
  return { ...load, perSecond: load.perSecond * batch };
}

/** Each takes as many as it has published: whoever's they are, there are enough. */
async function cycle(broker: BrokerClient, count: number): Promise<void> {
  await broker.publish(count);
  for (let left = count; left > 0;) left -= await broker.consume(left);
}
