import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { DEFAULT_QUEUE_OPTIONS, type Delivery } from '../../src/broker/commands.ts';
import type { Consumer } from '../../src/http/dispatcher.ts';
import { DeliveryStream, type DeliveryStreamOptions } from '../../src/http/delivery-stream.ts';
import { EventStream } from '../../src/http/event-stream.ts';
import { LongPoll } from '../../src/http/long-poll.ts';
import { EventClient } from './events.ts';
import { LaggingCopy } from './lagging-copy.ts';

async function copyOf(lagMs = 0): Promise<LaggingCopy> {
  const copy = new LaggingCopy(lagMs);
  await copy.replicate({ type: 'create-queue', queue: 'q', options: DEFAULT_QUEUE_OPTIONS });
  return copy;
}

const poll = (copy: LaggingCopy, max = 1, waitMs = 20_000) =>
  new LongPoll(copy.dispatchers.of('q'), { name: 'c', max, waitMs, visibilityMs: undefined });

const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ id }) => id);

interface Served extends AsyncDisposable {
  readonly url: string;
}

/** A stream of the queue to each who asks. */
async function streams(copy: LaggingCopy, prefetch: number): Promise<Served> {
  const server = createServer((_, response) => {
    void new DeliveryStream(new EventStream(response, {}), copy.dispatchers.of('q'), options(copy, prefetch));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const options = (copy: LaggingCopy, prefetch: number): DeliveryStreamOptions => ({
  name: 'c',
  prefetch,
  visibilityMs: undefined,
  requestId: 'r',
  onSent: () => undefined,
  caughtUp: () => copy.broker.caughtUp('q'),
});

it('asks for all who wait at once, and for nobody while there is nothing', async () => {
  const copy = await copyOf();
  const polls = [poll(copy, 2), poll(copy, 2), poll(copy, 2)];
  await delay(100);
  expect(copy.count('receive')).toBe(0);
  await copy.publish('1', '2', '3', '4', '5', '6');
  const got = await Promise.all(polls.map((each) => each.deliveries));
  expect(got.map(ids)).toEqual([
    ['1', '4'],
    ['2', '5'],
    ['3', '6'],
  ]);
  expect(copy.count('receive')).toBe(1);
});

it('asks when something is due, with nobody telling it', async () => {
  const copy = await copyOf();
  const waiting = poll(copy);
  const messages = [{ id: 'later', body: Buffer.from(''), delayMs: 150 }];
  await copy.replicate({ type: 'publish', queue: 'q', messages });
  expect(ids(await waiting.deliveries)).toEqual(['later']);
  // Also what nobody has settled.
  const again = poll(copy);
  await copy.replicate({ type: 'extend', queue: 'q', receipts: ['1.1'], visibilityMs: 150 });
  expect(await again.deliveries).toMatchObject([{ id: 'later', attempt: 2 }]);
  expect(copy.count('receive')).toBeLessThan(6);
});

it('gives back what came for somebody who has gone', async () => {
  const copy = await copyOf();
  copy.answerMs = 50;
  const gone = poll(copy);
  await copy.publish('kept');
  await expect.poll(() => copy.count('receive')).toBe(1);
  gone.end();
  expect(await gone.deliveries).toEqual([]);
  expect(await poll(copy).deliveries).toMatchObject([{ id: 'kept', attempt: 2 }]);
});

it('has what is under way come to who has waited to the end, where it would be the last delivery and nobody had it', async () => {
  const copy = new LaggingCopy();
  await copy.replicate({ type: 'create-queue', queue: 'q', options: { ...DEFAULT_QUEUE_OPTIONS, maxDeliveries: 1 } });
  copy.answerMs = 400;
  const waiting = poll(copy, 1, 200);
  void copy.publish('1');
  await expect.poll(() => copy.count('receive'), { interval: 1 }).toBe(1);
  // Who has come since is not asked for.
  const late = poll(copy, 1, 20);
  expect(ids(await late.deliveries)).toEqual([]);
  expect(ids(await waiting.deliveries)).toEqual(['1']);
  expect(copy.local.queues()).toMatchObject([{ inFlight: 1, dropped: 0, deliveries: 1 }]);
});

it('does not ask again and again because this copy is behind', async () => {
  const copy = await copyOf(100);
  await copy.publish('1');
  await delay(150);
  // Another node takes it; this one hears of that later, and of what comes then.
  await copy.replicate({ type: 'receive', queue: 'q', consumer: 'other', max: 1 });
  const waiting = poll(copy);
  await delay(300);
  const asked = () => copy.commands.filter((each) => each.type === 'receive' && each.consumer === 'c');
  expect(asked()).toHaveLength(1);
  await copy.publish('2');
  expect(ids(await waiting.deliveries)).toEqual(['2']);
});

it('waits through a time without a quorum, and says so to who asks now or has waited long enough', async () => {
  const copy = await copyOf();
  await copy.publish('1');
  copy.isCutOff = true;
  await expect(poll(copy, 1, 0).deliveries).rejects.toMatchObject({ code: 'QUORUM_LOST' });
  await expect(poll(copy, 1, 100).deliveries).rejects.toMatchObject({ code: 'QUORUM_LOST' });
  const patient = poll(copy);
  await delay(50);
  copy.isCutOff = false;
  expect(ids(await patient.deliveries)).toEqual(['1']);
});

it('serves those who want deliveries for another time by themselves', async () => {
  const copy = await copyOf();
  const short = new LongPoll(copy.dispatchers.of('q'), { name: 's', max: 1, waitMs: 20_000, visibilityMs: 100 });
  const long = poll(copy);
  await copy.publish('1', '2');
  await Promise.all([short.deliveries, long.deliveries]);
  const times = copy.commands.flatMap((command) => (command.type === 'receive' ? [command.visibilityMs] : []));
  expect(times).toEqual([100, undefined]);
});

it('serves all in turns, also where one could take everything, and whatever time they want', async () => {
  const copy = await copyOf();
  const got = new Map<string, string[]>();
  for (const [name, visibilityMs] of [
    ['a', undefined],
    ['b', undefined],
    ['c', 60_000],
  ] as const) {
    const taken: string[] = [];
    got.set(name, taken);
    copy.dispatchers.of('q').add({
      name,
      visibilityMs,
      isImpatient: false,
      wants: 10,
      take: (deliveries) => void taken.push(...ids(deliveries)),
      fail: () => undefined,
      end: () => undefined,
      settled: () => undefined,
      review: () => undefined,
    });
  }
  for (let number = 1; number <= 9; number += 1) {
    await copy.publish(`${number}`);
    await expect.poll(() => [...got.values()].flat().length).toBe(number);
  }
  expect([...got.values()].map(({ length }) => length)).toEqual([3, 3, 3]);
});

it('streams nothing to who had gone before it began', async () => {
  const copy = await copyOf();
  const closed = Promise.withResolvers<EventStream>();
  const server = createServer((_, response) => {
    response.once('close', () => closed.resolve(new EventStream(response, {})));
    response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  new EventClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).headers.catch(() => undefined);
  const events = await closed.promise;
  expect(events.signal.aborted).toBe(true);
  const stream = new DeliveryStream(events, copy.dispatchers.of('q'), options(copy, 2));
  expect(stream.wants).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});

it('streams no more than may be held, though this copy is behind, until it hears of what was settled elsewhere', async () => {
  const copy = await copyOf(100);
  await using served = await streams(copy, 2);
  const client = new EventClient(served.url);
  await client.headers;
  await copy.publish('1', '2');
  // Heard of while the copy has yet to hear of the first two that they are handed out.
  await delay(50);
  await copy.publish('3', '4');
  const [first] = await client.first(2, 'delivery');
  await delay(300);
  expect(client.events).toHaveLength(2);
  await copy.replicate({ type: 'acknowledge', queue: 'q', receipts: [first!.data.receipt] });
  expect((await client.first(3, 'delivery'))[2]!.data).toMatchObject({ id: '3' });
  client.drop();
  await expect.poll(() => copy.local.queues()[0]).toMatchObject({ ready: 3, inFlight: 0 });
});

it('streams no more than may be held, though nobody can tell whether this copy has caught up', async () => {
  const copy = await copyOf(200);
  copy.isUnreadable = true;
  await using served = await streams(copy, 1);
  const client = new EventClient(served.url);
  await client.headers;
  await copy.publish('1', '2', '3');
  await client.first(1, 'delivery');
  await delay(300);
  expect(client.events).toHaveLength(1);
  copy.isUnreadable = false;
  await copy.replicate({ type: 'acknowledge', queue: 'q', receipts: [client.events[0]!.data.receipt] });
  expect((await client.first(2, 'delivery'))[1]!.data).toMatchObject({ id: '2' });
  client.drop();
});

it('ends all who wait when it is closed, and then has given back what they held', async () => {
  const copy = await copyOf();
  await copy.publish('1');
  const held: string[] = [];
  const consumer: Consumer = {
    name: 'stream',
    visibilityMs: undefined,
    isImpatient: false,
    get wants() {
      return 1 - held.length;
    },
    take: (deliveries) => void held.push(...deliveries.map(({ receipt }) => receipt)),
    fail: () => undefined,
    end: () => copy.dispatchers.of('q').remove(consumer, held),
    settled: () => undefined,
    review: () => undefined,
  };
  copy.dispatchers.of('q').add(consumer);
  await expect.poll(() => held.length).toBe(1);
  const waiting = poll(copy);
  await copy.dispatchers.close();
  expect(await waiting.deliveries).toEqual([]);
  expect(copy.local.queues()).toMatchObject([{ ready: 1, inFlight: 0 }]);
  expect(() => copy.dispatchers.enter()).toThrow(/about to stop/u);
});
