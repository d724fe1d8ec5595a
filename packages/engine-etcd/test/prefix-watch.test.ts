import { expect, it } from 'vitest';

import { KeySet } from '../src/key-set.ts';
import type { MemberConnection, StreamEvents } from '../src/member-connection.ts';
import { PrefixWatch, type WatchEnd } from '../src/prefix-watch.ts';
import { failure, fakeEtcd, type FakeEtcd } from './fake-member.ts';

type Answer = Record<string, unknown>;

/** One watch at a member that says what the test says. */
class Watched {
  readonly sent: Record<string, unknown>[] = [];
  readonly end: Promise<WatchEnd>;
  isClosed = false;
  changes = 0;
  readonly #etcd: FakeEtcd;
  #events: StreamEvents<Answer> | undefined;

  constructor(etcd: FakeEtcd, signal = new AbortController().signal) {
    this.#etcd = etcd;
    const stream = {
      send: (request: Record<string, unknown>) => void this.sent.push(request),
      close: () => {
        this.isClosed = true;
      },
    };
    const connection = {
      name: 'm0',
      stream: (_name: string, events: StreamEvents<Answer>) => {
        this.#events = events;
        return Promise.resolve(stream);
      },
    } as unknown as MemberConnection;
    const watch = new PrefixWatch({
      clock: etcd.system.clock,
      connection,
      keysOf: '/p/',
      keys: new KeySet({ entries: [], revision: 7n, complete: true }, 10),
      livenessMs: 1_000,
      resyncMs: 60_000,
      onChange: () => {
        this.changes += 1;
      },
    });
    this.end = watch.run({ signal, token: undefined });
  }

  answer(answer: Answer): void {
    const rest = {
      header: { revision: '7' },
      compact_revision: '0',
      cancel_reason: '',
      canceled: false,
      created: false,
    };
    this.#events?.answer({ ...rest, events: [], ...answer });
  }

  fail(error: Error): void {
    this.#events?.end(error);
  }

  settled(): Promise<WatchEnd> {
    return this.#etcd.world.settled(this.end, 120_000);
  }
}

it('begins behind what is known, and hangs when the member gives no sign of life', async () => {
  const etcd = fakeEtcd(1);
  const watched = new Watched(etcd);
  etcd.world.after(100, () => watched.answer({ created: true }));
  expect(await watched.settled()).toMatchObject({ reason: 'hangs', confirmed: true });
  expect(watched.sent[0]).toMatchObject({ create_request: { start_revision: '8' } });
  // Asked for at one second, when it had been heard of; given up at two.
  expect(watched.sent.slice(1)).toEqual([{ progress_request: {} }]);
  expect(etcd.system.clock.now()).toBe(2_000);
  expect(watched.isClosed).toBe(true);
});

it('goes on for as long as signs of life come, until it is time to read all again', async () => {
  const etcd = fakeEtcd(1);
  const watched = new Watched(etcd);
  watched.answer({ created: true });
  for (let at = 1_050; at < 70_000; at += 1_000) etcd.world.after(at, () => watched.answer({ watch_id: '-1' }));
  expect(await watched.settled()).toEqual({ reason: 'resync' });
  expect(etcd.system.clock.now()).toBe(60_000);
  expect(watched.changes).toBe(0);
});

it.each<[string, (watched: Watched) => void, object]>([
  [
    'etcd has forgotten',
    (watched) => watched.answer({ canceled: true, compact_revision: '9' }),
    { reason: 'forgotten' },
  ],
  [
    'it is another etcd',
    (watched) => watched.answer({ created: true, header: { revision: '3' } }),
    { reason: 'forgotten' },
  ],
  [
    'it is refused',
    (watched) => watched.answer({ canceled: true, cancel_reason: 'permission denied' }),
    { reason: 'fails' },
  ],
  ['the stream breaks', (watched) => watched.fail(failure(14, 'gone')), { reason: 'fails', confirmed: false }],
])('ends when %s', async (_, happen, expected) => {
  const etcd = fakeEtcd(1);
  const watched = new Watched(etcd);
  await Promise.resolve();
  happen(watched);
  expect(await watched.settled()).toMatchObject(expected);
  expect(watched.isClosed).toBe(true);
  // What comes afterwards is nobody's.
  watched.fail(failure(14, 'again'));
});

it('ends with its signal', async () => {
  const etcd = fakeEtcd(1);
  const controller = new AbortController();
  const watched = new Watched(etcd, controller.signal);
  etcd.world.after(5, () => controller.abort());
  await watched.settled();
  expect(etcd.system.clock.now()).toBe(5);
  expect(watched.isClosed).toBe(true);
});
