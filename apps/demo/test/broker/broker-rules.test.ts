import type { SnapshotSource } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import { BrokerState } from '../../src/broker/broker-state.ts';
import { type Command, DEFAULT_QUEUE_OPTIONS, type NewMessage, type Result } from '../../src/broker/commands.ts';
import { BROKER_LIMITS } from '../../src/broker/limits.ts';
import { perform } from '../../src/broker/perform.ts';

const OPTIONS = { ...DEFAULT_QUEUE_OPTIONS, visibilityMs: 100 };

/** A machine with the queue `q`, at a time that goes as it is told. */
class Bench {
  readonly machine = new BrokerMachine();
  readonly told: string[] = [];
  time = 1_000;

  constructor(options: Partial<typeof OPTIONS> = {}) {
    this.do({ type: 'create-queue', queue: 'q', options: { ...OPTIONS, ...options } });
    this.machine.listen({ available: (queue) => this.told.push(queue) });
  }

  do(command: Command): Result {
    return this.machine.apply([{ index: 1, term: 1, time: this.time, command }])[0] as Result;
  }

  publish(...messages: readonly Partial<NewMessage>[]): Result {
    const whole = messages.map((message, at) => ({ id: `m${at}`, body: new Uint8Array(1), ...message }));
    return this.do({ type: 'publish', queue: 'q', messages: whole });
  }

  receive(max: number = 10): readonly string[] {
    const result = this.do({ type: 'receive', queue: 'q', consumer: 'c', max });
    return result.type === 'deliveries' ? result.deliveries.map(({ receipt }) => receipt) : [];
  }

  /** What listeners were told since this was asked. */
  async heard(): Promise<readonly string[]> {
    await Promise.resolve();
    return this.told.splice(0);
  }
}

describe('who listens', () => {
  it('is told when something can be handed out, and nextDue says when', async () => {
    const bench = new Bench();
    expect(bench.machine.nextDue('q')).toBeUndefined();
    bench.publish({ id: 'now' });
    expect(await bench.heard()).toEqual(['q']);
    expect(bench.machine.nextDue('q')).toBe(bench.time);
    bench.receive();
    expect(await bench.heard()).toEqual([]);
    expect(bench.machine.nextDue('q')).toBe(bench.time + 100);
    bench.publish({ id: 'soon', delayMs: 50 });
    expect(await bench.heard()).toEqual(['q']);
    expect(bench.machine.nextDue('q')).toBe(bench.time + 50);
    bench.publish({ id: 'later', delayMs: 70 });
    expect(await bench.heard()).toEqual([]);
    bench.time += 50;
    bench.do({ type: 'housekeeping', token: 1n });
    expect(await bench.heard()).toEqual(['q']);
    expect(bench.machine.nextDue('none')).toBeUndefined();
  });

  it('is told when a delivery was the last of its message, since whoever had it may want another', async () => {
    const bench = new Bench({ maxDeliveries: 1 });
    bench.publish({}, {});
    bench.receive(1);
    await bench.heard();
    bench.time += 100;
    bench.do({ type: 'housekeeping', token: 1n });
    expect(await bench.heard()).toEqual(['q']);
  });

  it('is told of all queues when another state is taken over, and no more once it has left', async () => {
    const [bench, other] = [new Bench(), new Bench()];
    bench.publish({});
    const source = bench.machine.capture();
    await other.machine.restore(source.chunks({}), { version: 1 });
    expect(await other.heard()).toEqual(['q']);
    const late: string[] = [];
    other.machine.listen({ available: (queue) => late.push(queue) })[Symbol.dispose]();
    other.publish({ id: 'more' });
    expect(await other.heard()).toEqual(['q']);
    expect(late).toEqual([]);
  });
});

describe('what is due', () => {
  it('takes effect so much at a time, however much it is, and all of it in the end', () => {
    const bench = new Bench({ maxMessages: 5_000 });
    for (let at = 0; at < 5; at += 1) {
      bench.publish(...Array.from({ length: 1_000 }, (_none, n) => ({ id: `${at}-${n}` })));
      expect(bench.receive(1_000)).toHaveLength(1_000);
    }
    bench.time += 100;
    const ready = (): number => {
      const answer = bench.machine.query({ type: 'queue', queue: 'q' });
      return answer.type === 'queue' ? (answer.queue?.ready ?? 0) : 0;
    };
    bench.do({ type: 'create-topic', topic: 't' });
    expect(ready()).toBe(1_024);
    bench.do({ type: 'create-topic', topic: 't' });
    expect(ready()).toBe(2_048);
    bench.do({ type: 'housekeeping', token: 1n });
    expect(ready()).toBe(5_000);
  });

  it('ends a delivery also where nobody has come to see to it', () => {
    const bench = new Bench({ maxMessages: 5_000 });
    const receipts: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      bench.publish(...Array.from({ length: 1_000 }, (_none, n) => ({ id: `${at}-${n}` })));
      receipts.push(...bench.receive(1_000));
    }
    bench.time += 100;
    const last = receipts.slice(-1);
    expect(bench.do({ type: 'acknowledge', queue: 'q', receipts: last })).toEqual({
      type: 'settled',
      settled: ['unknown-receipt'],
    });
  });

  it('is told apart by the token of whoever keeps house', () => {
    const bench = new Bench();
    expect(bench.do({ type: 'housekeeping', token: 5n })).toMatchObject({ type: 'done' });
    expect(bench.do({ type: 'housekeeping', token: 4n })).toMatchObject({ code: 'fenced' });
    expect(bench.do({ type: 'housekeeping', token: 5n })).toMatchObject({ type: 'done' });
  });
});

describe('a receipt', () => {
  it('is of one delivery: not of the one before, nor of one that was given back', () => {
    const bench = new Bench();
    bench.publish({});
    const [first = ''] = bench.receive();
    bench.time += 100;
    const [second = ''] = bench.receive();
    expect(second).not.toBe(first);
    const settled = (receipts: readonly string[]): Result => bench.do({ type: 'acknowledge', queue: 'q', receipts });
    expect(settled([first])).toMatchObject({ settled: ['unknown-receipt'] });
    bench.do({ type: 'reject', queue: 'q', receipts: [second], delayMs: 0 });
    expect(settled([second])).toMatchObject({ settled: ['unknown-receipt'] });
    const [third = ''] = bench.receive();
    expect(settled([third, third])).toMatchObject({ settled: ['done', 'unknown-receipt'] });
  });
});

describe('deliveries', () => {
  it('fit into one answer, whatever their messages are', () => {
    const bench = new Bench();
    const long = (at: number): Partial<NewMessage> => ({
      id: `${at}`.padStart(100, '€'),
      body: new Uint8Array(4_096),
      headers: { h: '€'.repeat(4_095) },
    });
    for (let at = 0; at < 256; at += 1) bench.publish(long(at));
    const result = bench.do({ type: 'receive', queue: 'q', consumer: 'c', max: 256 });
    // What a node takes from another at once, with room for what stands before.
    expect(bench.machine.codec.result.encode(result).length).toBeLessThan(4 * 1024 * 1024 - 1024);
    expect(result).toMatchObject({ type: 'deliveries', deliveries: { length: expect.toSatisfy((n) => n > 100) } });
  });
});

describe('a topic', () => {
  it('gives nothing to anybody while one subscription is full', () => {
    const bench = new Bench();
    bench.do({ type: 'create-topic', topic: 't' });
    bench.do({ type: 'subscribe', topic: 't', subscription: 'wide', options: OPTIONS });
    bench.do({ type: 'subscribe', topic: 't', subscription: 'narrow', options: { ...OPTIONS, maxMessages: 1 } });
    const messages = ['1', '2'].map((id) => ({ id, body: new Uint8Array(1) }));
    const publish = (which: readonly NewMessage[]): Result =>
      bench.do({ type: 'publish-to-topic', topic: 't', messages: which });
    expect(publish(messages)).toMatchObject({ code: 'full', message: 't:narrow holds at most 1 messages' });
    expect(bench.machine.usage.messages).toBe(0);
    expect(publish(messages.slice(0, 1))).toMatchObject({ type: 'published' });
    expect(publish(messages.slice(1))).toMatchObject({ code: 'full' });
    // What is there already needs no room.
    expect(publish(messages.slice(0, 1))).toMatchObject({ messages: [{ duplicate: true }] });
    expect(bench.machine.usage.messages).toBe(2);
  });
});

describe('a command', () => {
  const message = { id: '1', body: new Uint8Array(1) };
  const publish = (more: Partial<NewMessage>): Command => ({
    type: 'publish',
    queue: 'q',
    messages: [{ ...message, ...more }],
  });
  const create = (more: object): Command => ({ type: 'create-queue', queue: 'new', options: { ...OPTIONS, ...more } });

  it.each<[string, Command]>([
    ['an empty name', { type: 'delete-queue', queue: '' }],
    ['a long name', { type: 'create-topic', topic: 'x'.repeat(101) }],
    ['a name with a slash', { type: 'purge-queue', queue: 'a/b' }],
    ['a subscription, published to', { type: 'publish', queue: 't:s', messages: [message] }],
    ['a name of three parts', { type: 'purge-queue', queue: 'a:b:c' }],
    ['a subscription of no name', { type: 'subscribe', topic: 't', subscription: '', options: OPTIONS }],
    ['no messages', { type: 'publish', queue: 'q', messages: [] }],
    ['too many', { type: 'publish', queue: 'q', messages: Array.from({ length: 1_001 }, () => message) }],
    ['an empty id', publish({ id: '' })],
    ['a long id', publish({ id: 'x'.repeat(101) })],
    ['a long body', publish({ body: new Uint8Array(65_537) })],
    ['a priority of 10', publish({ priority: 10 })],
    ['a long delay', publish({ delayMs: BROKER_LIMITS.delayMs + 1 })],
    ['a key without order', publish({ key: 'k' })],
    [
      'many headers',
      publish({ headers: Object.fromEntries(Array.from({ length: 33 }, (_none, at) => [`${at}`, ''])) }),
    ],
    ['long headers', publish({ headers: { h: 'x'.repeat(4_096) } })],
    ['no visibility', create({ visibilityMs: 0 })],
    ['no deliveries', create({ maxDeliveries: 0 })],
    ['no messages held', create({ maxMessages: 0 })],
    ['more than all', create({ maxMessages: BROKER_LIMITS.messages + 1 })],
    ['dead letters of its own', create({ deadLetterQueue: 'new' })],
    ['dead letters of no name', create({ deadLetterQueue: 'a:b' })],
    ['nothing to be received', { type: 'receive', queue: 'q', consumer: 'c', max: 0 }],
    ['no receipts', { type: 'acknowledge', queue: 'q', receipts: [] }],
    ['a long rejection', { type: 'reject', queue: 'q', receipts: ['1.1'], delayMs: BROKER_LIMITS.delayMs + 1 }],
    ['no extension', { type: 'extend', queue: 'q', receipts: ['1.1'], visibilityMs: 0 }],
  ])('that could never be taken is refused and changes nothing: %s', (_what, command) => {
    const bench = new Bench();
    const before = bench.machine.query({ type: 'queues' });
    expect(bench.do(command)).toMatchObject({ type: 'refused', code: 'invalid' });
    expect(bench.machine.query({ type: 'queues' })).toEqual(before);
  });

  it('is taken at all bounds', () => {
    const bench = new Bench();
    const headers = { h: 'x'.repeat(4_095) };
    const most = {
      id: 'x'.repeat(100),
      body: new Uint8Array(65_536),
      priority: 9,
      delayMs: BROKER_LIMITS.delayMs,
      headers,
    };
    expect(bench.publish(most)).toMatchObject({ type: 'published' });
  });
});

describe('a capture', () => {
  it('has nothing of what was purged just before', async () => {
    const [bench, other] = [new Bench(), new Bench()];
    bench.publish({}, {});
    bench.do({ type: 'purge-queue', queue: 'q' });
    await other.machine.restore(bench.machine.capture().chunks({}), { version: 1 });
    expect(other.machine.usage.messages).toBe(0);
  });

  it('has the follower of a key as one that follows, though it is on another page', async () => {
    const bench = new Bench({ fifo: true });
    bench.publish({ key: 'k' }, ...Array.from({ length: 99 }, (_none, at) => ({ id: `l${at}`, key: 'l' })), {
      key: 'k',
    });
    const receipts = bench.receive(1);
    const atOnce = await bytesOf(bench.machine.capture(), () => undefined);
    const source = bench.machine.capture();
    bench.do({ type: 'acknowledge', queue: 'q', receipts });
    expect((await bytesOf(source, () => undefined)).equals(atOnce)).toBe(true);
  });

  it.each<[string, (bench: Bench, receipt: string) => void]>([
    ['handed out', (bench) => void bench.receive(1)],
    ['acknowledged', (bench, receipt) => void bench.do({ type: 'acknowledge', queue: 'q', receipts: [receipt] })],
    ['given back', (bench, receipt) => void bench.do({ type: 'reject', queue: 'q', receipts: [receipt], delayMs: 0 })],
    ['delayed', (bench, receipt) => void bench.do({ type: 'reject', queue: 'q', receipts: [receipt], delayMs: 9 })],
    [
      'extended',
      (bench, receipt) => void bench.do({ type: 'extend', queue: 'q', receipts: [receipt], visibilityMs: 900 }),
    ],
    [
      'due',
      (bench) => {
        bench.time += 60;
        // Of the time it takes note; nothing but the delayed message is due.
        bench.do({ type: 'housekeeping', token: 0n });
      },
    ],
    ['published', (bench) => void bench.publish({ id: 'new' })],
    ['purged', (bench) => void bench.do({ type: 'purge-queue', queue: 'q' })],
    ['deleted', (bench) => void bench.do({ type: 'delete-queue', queue: 'q' })],
  ])('is of its moment, whatever comes next: a message is %s', async (_what, change) => {
    const bench = new Bench();
    bench.publish({}, {}, { delayMs: 50 });
    const [receipt = ''] = bench.receive(1);
    const atOnce = await bytesOf(bench.machine.capture(), () => undefined);
    const source = bench.machine.capture();
    change(bench, receipt);
    expect((await bytesOf(source, () => undefined)).equals(atOnce)).toBe(true);
    expect((await bytesOf(bench.machine.capture(), () => undefined)).equals(atOnce)).toBe(false);
  });

  it('is of its moment, though it is read bit by bit while all that it has is changed', async () => {
    const bench = new Bench({ maxMessages: 5_000 });
    for (let at = 0; at < 4; at += 1) {
      bench.publish(...Array.from({ length: 1_000 }, (_none, n) => ({ id: `${at}-${n}`, body: new Uint8Array(300) })));
    }
    bench.receive(500);
    const atOnce = await bytesOf(bench.machine.capture(), () => undefined);
    let reads = 0;
    const late = await bytesOf(bench.machine.capture(), () => {
      reads += 1;
      bench.time += 60;
      bench.do({ type: 'acknowledge', queue: 'q', receipts: bench.receive(200) });
      bench.do({ type: 'reject', queue: 'q', receipts: bench.receive(100), delayMs: 10 });
      bench.receive(50);
      bench.publish({ id: `while ${reads}` });
      if (reads === 5) bench.do({ type: 'purge-queue', queue: 'q' });
    });
    expect(reads).toBeGreaterThan(6);
    expect(late.equals(atOnce)).toBe(true);
  });
});

async function bytesOf(source: SnapshotSource, between: () => void): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks({})) {
    parts.push(chunk);
    between();
  }
  source.release();
  return Buffer.concat(parts);
}

describe('a purged queue', () => {
  it('is empty at once; its messages are swept away by later commands, whatever else is purged meanwhile', () => {
    const broker = new BrokerState(BROKER_LIMITS);
    const run = (command: Command): Result => perform(broker, command, 1);
    const options = { ...OPTIONS, maxMessages: 100_000, deduplicationMs: 0 };
    for (const queue of ['kept', 'purged']) run({ type: 'create-queue', queue, options });
    const fill = (queue: string): void => {
      const messages = Array.from({ length: 1_000 }, (_none, at) => ({ id: `${at}`, body: new Uint8Array(0) }));
      run({ type: 'publish', queue, messages });
    };
    for (let count = 0; count < 60; count += 1) fill('kept');
    for (let count = 0; count < 40; count += 1) {
      fill('purged');
      run({ type: 'purge-queue', queue: 'purged' });
      expect(broker.messages).toBe(60_000);
      // No more is left over than comes while a sweep goes over all.
      expect(broker.store.size).toBeLessThan(72_000);
    }
    for (let count = 0; count < 20; count += 1) run({ type: 'create-topic', topic: 't' });
    expect(broker.store.size).toBe(60_000);
  });
});
