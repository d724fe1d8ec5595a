import { expect, it } from 'vitest';
import { DEFAULT_QUEUE_OPTIONS } from '../../src/broker/commands.ts';
import { Settlements } from '../../src/http/settlements.ts';
import { LaggingCopy } from './lagging-copy.ts';

async function received(...ids: readonly string[]): Promise<LaggingCopy> {
  const copy = new LaggingCopy();
  await copy.replicate({ type: 'create-queue', queue: 'q', options: DEFAULT_QUEUE_OPTIONS });
  await copy.publish(...ids);
  await copy.replicate({ type: 'receive', queue: 'q', consumer: 'c', max: ids.length });
  return copy;
}

it('go together in one turn, and each client is told of its own', async () => {
  const copy = await received('1', '2', '3');
  const settlements = new Settlements(copy.broker, copy.dispatchers);
  const acknowledge = (...receipts: readonly string[]) =>
    settlements.settle({ type: 'acknowledge', queue: 'q', receipts });
  const told = await Promise.all([acknowledge('1.1', '9.9'), acknowledge('9.9', '2.1', '2.1'), acknowledge('3.1')]);
  expect(told).toEqual([['done', 'unknown-receipt'], ['unknown-receipt', 'done', 'unknown-receipt'], ['done']]);
  expect(copy.count('acknowledge')).toBe(1);
});

it('go apart where they say something else, or are too many', async () => {
  const copy = await received('1', '2', '3');
  const settlements = new Settlements(copy.broker, copy.dispatchers);
  const reject = (delayMs: number, receipt: string) =>
    settlements.settle({ type: 'reject', queue: 'q', receipts: [receipt], delayMs });
  await Promise.all([reject(0, '1.1'), reject(60_000, '2.1'), reject(0, '3.1')]);
  expect(copy.local.queues()).toMatchObject([{ ready: 2, delayed: 1, inFlight: 0 }]);
  expect(copy.count('reject')).toBe(2);
  const many = Array.from({ length: 600 }, () => '9.9');
  const both = await Promise.all([
    settlements.settle({ type: 'acknowledge', queue: 'q', receipts: many }),
    settlements.settle({ type: 'acknowledge', queue: 'q', receipts: many }),
  ]);
  expect(both.map(({ length }) => length)).toEqual([600, 600]);
  expect(copy.count('acknowledge')).toBe(2);
});

it('fail for all of them alike', async () => {
  const copy = await received('1');
  copy.isCutOff = true;
  const settlements = new Settlements(copy.broker, copy.dispatchers);
  const acknowledge = () => settlements.settle({ type: 'acknowledge', queue: 'q', receipts: ['1.1'] });
  const told = await Promise.allSettled([acknowledge(), acknowledge()]);
  for (const each of told) expect(each).toMatchObject({ reason: { code: 'QUORUM_LOST', outcome: 'unknown' } });
});
