import type { Telemetry } from '@quorate/core';
import type { Dispatchers } from '../http/dispatchers.ts';
import type { RequestCounts } from '../http/requests.ts';
import type { LocalBroker } from './local-broker.ts';

interface Measured {
  readonly local: LocalBroker;
  readonly counts: RequestCounts;
  readonly dispatchers: Dispatchers;
}

/** What `/metrics` tells beside the measurements of the cluster's parts: as this node has it, whoever leads. */
export function measureBroker(telemetry: Telemetry, { local, counts, dispatchers }: Measured): Disposable {
  const gauges = [
    ['messages', '{message}', 'Messages in all queues, as this node has it'],
    ['bytes', 'By', 'Of bodies, headers, ids and keys in all queues'],
    ['queues', '{queue}', 'Queues, those of subscriptions among them'],
    ['topics', '{topic}', 'Topics'],
    ['ids', '{id}', 'Ids of messages remembered for deduplication'],
  ] as const;
  const totals = [
    ['published', 'Messages published by way of this node'],
    ['delivered', 'Deliveries handed out by this node'],
    ['acknowledged', 'Deliveries acknowledged by way of this node'],
    ['failed', 'Requests that this node has answered with a problem'],
  ] as const;
  const instruments = new DisposableStack();
  for (const [name, unit, description] of gauges) {
    const about = { name: `broker.${name}`, unit, description };
    instruments.use(telemetry.gauge(about, (tell) => tell(local.usage[name])));
  }
  for (const [name, description] of totals) {
    const about = { name: `broker.requests.${name}`, unit: '1', description };
    instruments.use(telemetry.observedCounter(about, (tell) => tell(counts[name])));
  }
  const waiting = { name: 'broker.waiting', unit: '{request}', description: 'Long polls and streams that are open' };
  instruments.use(telemetry.gauge(waiting, (tell) => tell(dispatchers.waiting)));
  return instruments;
}
