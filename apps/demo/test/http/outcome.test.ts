import { expect, it } from 'vitest';
import { DEFAULT_QUEUE_OPTIONS } from '../../src/broker/commands.ts';
import { Broker, type BrokerReplicator } from '../../src/http/broker.ts';
import { makeQueue } from '../../src/http/queue-routes.ts';
import { LaggingCopy } from './lagging-copy.ts';

const create = { type: 'create-queue', queue: 'q', options: DEFAULT_QUEUE_OPTIONS } as const;

it('is unknown where a queue was made, and could not be looked at then', async () => {
  const copy = new LaggingCopy();
  copy.isUnreadable = true;
  await expect(makeQueue(copy.broker, 'q', create)).rejects.toMatchObject({ code: 'QUORUM_LOST', outcome: 'unknown' });
  copy.isUnreadable = false;
  expect(await makeQueue(copy.broker, 'q', create)).toMatchObject({ isNew: false });
});

it('is unknown of a write that fails in a way that nobody has thought of', async () => {
  const replicator = { replicate: () => Promise.reject(new TypeError('oh')) } satisfies Partial<BrokerReplicator>;
  const broker = new Broker(replicator as unknown as BrokerReplicator);
  await expect(broker.run(create, 'done')).rejects.toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
});
