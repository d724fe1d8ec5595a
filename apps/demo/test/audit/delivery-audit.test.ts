import { beforeEach, describe, expect, it } from 'vitest';
import { DeliveryAudit } from '../../src/audit/delivery-audit.ts';
import type { AuditedQueue, Publication } from '../../src/audit/observations.ts';
import { DEFAULT_QUEUE_OPTIONS } from '../../src/broker/commands.ts';
import type { QueueStatus } from '../../src/broker/queries.ts';

const QUEUES: readonly AuditedQueue[] = [
  { name: 'plain', fifo: false, visibilityMs: 1000, maxDeliveries: 3, deadLetterQueue: 'dead' },
  { name: 'dead', fifo: false, visibilityMs: 1000, maxDeliveries: 3 },
  { name: 'fifo', fifo: true, visibilityMs: 1000, maxDeliveries: 3 },
];

let audit: DeliveryAudit;
let sequence: number;

beforeEach(() => {
  audit = new DeliveryAudit(QUEUES);
  sequence = 0;
});

function publish(queue: string, id: string, rest: Partial<Publication> = {}, at = 0): void {
  audit.publishing([queue], { id, body: `of ${id}`, ...rest }, at);
  sequence += 1;
  audit.accepted([queue], id, sequence, false, at + 1);
}

/** Asked for a moment before. */
function deliver(queue: string, id: string, attempt: number, at: number): string {
  const receipt = `${queue} ${id} ${attempt}`;
  audit.delivered(queue, { receipt, id, body: `of ${id}`, attempt, askedAt: at - 1, at });
  return receipt;
}

function settle(
  queue: string,
  receipt: string,
  at: number,
  how: 'acknowledge' | 'reject' = 'acknowledge',
  outcome: 'done' | 'unknown-receipt' | 'unconfirmed' = 'done',
): void {
  audit.settling(queue, receipt, how, at);
  audit.settled(queue, receipt, outcome);
}

function problems(): readonly string[] {
  return audit.problems.map(({ kind }) => kind);
}

function empty(name: string): QueueStatus {
  const counts = { accepted: 1, acknowledged: 0, duplicates: 0, deliveries: 0, redeliveries: 0 };
  const rest = { deadLettered: 0, dropped: 0, ready: 0, delayed: 0, inFlight: 0 };
  return { name, options: DEFAULT_QUEUE_OPTIONS, ...counts, ...rest };
}

describe('a history in which all is well', () => {
  it('of a message that is delivered and acknowledged', () => {
    publish('plain', 'm');
    settle('plain', deliver('plain', 'm', 1, 5), 6);
    audit.finish();
    expect(problems()).toEqual([]);
    expect(audit.counts).toMatchObject({ accepted: 1, delivered: 1, duplicates: 0, lost: 0, problems: 0 });
  });

  it('of one whose delivery ran out, was rejected, returned, or of which nobody knows, each time counted', () => {
    for (const id of ['ran-out', 'rejected', 'returned', 'unconfirmed']) publish('plain', id);
    deliver('plain', 'ran-out', 1, 5);
    settle('plain', deliver('plain', 'ran-out', 2, 1010), 1011);
    settle('plain', deliver('plain', 'rejected', 1, 5), 6, 'reject');
    settle('plain', deliver('plain', 'rejected', 2, 20), 21);
    audit.returned('plain', [deliver('plain', 'returned', 1, 5)]);
    settle('plain', deliver('plain', 'returned', 2, 7), 8);
    settle('plain', deliver('plain', 'unconfirmed', 1, 5), 6, 'acknowledge', 'unconfirmed');
    settle('plain', deliver('plain', 'unconfirmed', 2, 1010), 1011);
    audit.finish();
    expect(problems()).toEqual([]);
    expect(audit.counts).toMatchObject({ accepted: 4, delivered: 8, duplicates: 4 });
  });

  it('of one that nobody can take, which ends among the dead letters', () => {
    publish('plain', 'm', { isPoison: true });
    for (const attempt of [1, 2, 3])
      settle('plain', deliver('plain', 'm', attempt, attempt * 10), attempt * 10 + 1, 'reject');
    settle('dead', deliver('dead', 'm', 1, 50), 51);
    audit.finish();
    expect(problems()).toEqual([]);
    expect(audit.counts).toMatchObject({ deadLetters: 1 });
  });

  it('of one on a stream whose end is known only after the next delivery', () => {
    publish('plain', 'm');
    const body = 'of m';
    audit.delivered('plain', { receipt: 'r', id: 'm', body, attempt: 1, askedAt: 4, at: 5, isStreamed: true });
    settle('plain', deliver('plain', 'm', 2, 6), 7);
    audit.returned('plain', ['r']);
    audit.finish();
    expect(problems()).toEqual([]);
  });

  it('of a key in order, in which another key does not matter', () => {
    for (const id of ['a1', 'a2']) publish('fifo', id, { key: 'a' });
    publish('fifo', 'b1', { key: 'b' });
    settle('fifo', deliver('fifo', 'b1', 1, 5), 6);
    settle('fifo', deliver('fifo', 'a1', 1, 5), 6);
    settle('fifo', deliver('fifo', 'a2', 1, 10), 11);
    audit.finish();
    expect(problems()).toEqual([]);
  });

  it('of a key whose first message nobody knows to be acknowledged', () => {
    for (const id of ['a1', 'a2']) publish('fifo', id, { key: 'a' });
    settle('fifo', deliver('fifo', 'a1', 1, 5), 6, 'acknowledge', 'unconfirmed');
    settle('fifo', deliver('fifo', 'a2', 1, 10), 11);
    audit.finish();
    expect(problems()).toEqual([]);
  });

  it('of one that is published twice under its id', () => {
    publish('plain', 'm');
    audit.accepted(['plain'], 'm', 1, true, 3);
    settle('plain', deliver('plain', 'm', 1, 5), 6);
    audit.finish();
    expect(problems()).toEqual([]);
    expect(audit.counts.accepted).toBe(1);
  });
});

describe('it notices', () => {
  it('what was never delivered', () => {
    publish('plain', 'm');
    audit.finish();
    expect(problems()).toEqual(['lost']);
    expect(audit.counts.lost).toBe(1);
  });

  it('what is gone from a queue without having been acknowledged, while the traffic goes on, and once', () => {
    publish('plain', 'm');
    deliver('plain', 'm', 1, 5);
    audit.told([empty('plain'), empty('dead')], 0);
    expect(problems()).toEqual([]);
    audit.told([empty('plain')], 10);
    expect(problems()).toEqual([]);
    audit.told([empty('plain'), empty('dead')], 10);
    audit.told([empty('plain'), empty('dead')], 20);
    audit.finish();
    expect(problems()).toEqual(['lost']);
  });

  it('what nobody can take, and is not among the dead letters', () => {
    publish('plain', 'm', { isPoison: true });
    settle('plain', deliver('plain', 'm', 1, 5), 6, 'reject');
    audit.finish();
    expect(problems()).toEqual(['lost']);
  });

  it('what nobody published', () => {
    deliver('plain', 'm', 1, 5);
    expect(problems()).toEqual(['invented']);
  });

  it('what is of one queue, and comes out of another', () => {
    publish('plain', 'm');
    deliver('fifo', 'm', 1, 5);
    expect(problems()).toEqual(['invented']);
  });

  it('a body that is not what was published', () => {
    publish('plain', 'm');
    audit.delivered('plain', { receipt: 'r', id: 'm', body: 'other', attempt: 1, askedAt: 4, at: 5 });
    expect(problems()).toEqual(['altered']);
  });

  it('a second message of a key that comes before the first is done with', () => {
    for (const id of ['a1', 'a2']) publish('fifo', id, { key: 'a' });
    deliver('fifo', 'a1', 1, 5);
    deliver('fifo', 'a2', 1, 10);
    expect(problems()).toEqual(['out-of-order']);
    expect(audit.counts.outOfOrder).toBe(1);
  });

  it('a first message of a key that comes again after the second', () => {
    for (const id of ['a1', 'a2']) publish('fifo', id, { key: 'a' });
    settle('fifo', deliver('fifo', 'a1', 1, 5), 6, 'acknowledge', 'unconfirmed');
    deliver('fifo', 'a2', 1, 10);
    deliver('fifo', 'a1', 2, 2000);
    expect(problems()).toEqual(['out-of-order']);
  });

  it('a second message of a key that was given the earlier place', () => {
    audit.publishing(['fifo'], { id: 'a1', body: 'of a1', key: 'a' }, 0);
    audit.publishing(['fifo'], { id: 'a2', body: 'of a2', key: 'a' }, 0);
    audit.accepted(['fifo'], 'a1', 9, false, 1);
    audit.accepted(['fifo'], 'a2', 8, false, 1);
    expect(problems()).toEqual(['out-of-order']);
  });

  it('a delivery after it was acknowledged, however late', () => {
    publish('plain', 'm');
    settle('plain', deliver('plain', 'm', 1, 5), 6);
    deliver('plain', 'm', 2, 5000);
    expect(problems()).toEqual(['unwarranted']);
  });

  it('a delivery that comes before the one before has run out, also where its acknowledgement is not confirmed', () => {
    publish('plain', 'm');
    settle('plain', deliver('plain', 'm', 1, 5), 6, 'acknowledge', 'unconfirmed');
    deliver('plain', 'm', 2, 500);
    expect(problems()).toEqual(['unwarranted']);
  });

  it('a delivery on a stream that is followed by another too early, though the stream does not end', () => {
    publish('plain', 'm');
    const body = 'of m';
    audit.delivered('plain', { receipt: 'r', id: 'm', body, attempt: 1, askedAt: 4, at: 5, isStreamed: true });
    deliver('plain', 'm', 2, 500);
    audit.told([empty('plain'), empty('dead')], 501);
    expect(problems()).toEqual(['lost']);
    audit.told([empty('plain'), empty('dead')], 6000);
    expect(problems()).toEqual(['lost', 'unwarranted']);
  });

  it('one delivery that two consumers get', () => {
    publish('plain', 'm');
    deliver('plain', 'm', 1, 5);
    deliver('plain', 'm', 1, 6);
    expect(problems()).toEqual(['unwarranted']);
  });

  it('a delivery after the message was a dead letter', () => {
    publish('plain', 'm', { isPoison: true });
    for (const attempt of [1, 2])
      settle('plain', deliver('plain', 'm', attempt, attempt * 10), attempt * 10 + 1, 'reject');
    settle('dead', deliver('dead', 'm', 1, 50), 51);
    deliver('plain', 'm', 3, 60);
    expect(problems()).toEqual(['unwarranted']);
  });

  it('more deliveries than there may be', () => {
    publish('plain', 'm');
    for (const attempt of [1, 2, 3, 4]) deliver('plain', 'm', attempt, attempt * 1000);
    expect(problems()).toEqual(['too-often']);
  });

  it('a delivery before its delay was over', () => {
    publish('plain', 'm', { delayMs: 500 });
    deliver('plain', 'm', 1, 300);
    expect(problems()).toEqual(['too-early']);
  });

  it.each([
    ['as if it were new', 2, false],
    ['under another number', 2, true],
  ])('an id that is accepted twice, %s', (_how, number, isDuplicate) => {
    publish('plain', 'm');
    audit.accepted(['plain'], 'm', number, isDuplicate, 5);
    expect(problems()).toEqual(['accepted-twice']);
  });

  it('an acknowledgement of a delivery that had run out and was followed by another', () => {
    publish('plain', 'm');
    const first = deliver('plain', 'm', 1, 5);
    deliver('plain', 'm', 2, 1010);
    settle('plain', first, 1011);
    expect(problems()).toEqual(['settled-late']);
  });

  it('a dead letter that was acknowledged', () => {
    publish('plain', 'm');
    settle('plain', deliver('plain', 'm', 1, 5), 6);
    deliver('dead', 'm', 1, 50);
    expect(problems()).toEqual(['dead-letter']);
  });
});

it('leaves the messages of others alone, where there may be some', () => {
  audit = new DeliveryAudit(QUEUES, (id) => id.startsWith('old'));
  settle('plain', deliver('plain', 'old-1', 1, 5), 6);
  deliver('plain', 'new-1', 1, 5);
  audit.finish();
  expect(problems()).toEqual(['invented']);
});

it('forgets what was done with a minute ago, and what comes then is news', () => {
  publish('plain', 'm');
  settle('plain', deliver('plain', 'm', 1, 5), 6);
  for (let number = 0; number < 5000; number += 1) {
    publish('plain', `n${number}`, {}, 70_000);
    settle('plain', deliver('plain', `n${number}`, 1, 70_001), 70_002);
  }
  expect(audit.sentAt('plain', 'm')).toBeUndefined();
  expect(audit.sentAt('plain', 'n4999')).toBe(70_000);
  expect(problems()).toEqual([]);
});
