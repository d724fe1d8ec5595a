import { isClusterError } from '@quorate/core';
import type { LeaseHold, LeaseRefusal, LeaseStore, LeaseView } from '@quorate/lease';
import { describe, expect, it } from 'vitest';

import { type ConsulLeasesOptions, consulLeases, type HttpAnswer, type HttpRequest } from '../../src/index.ts';
import { openScene, type Scene } from '../scripted-exchange.ts';
import { SmallConsul } from './small-consul.ts';

const NAME = 'service/leader/.lock';
const TTL_MS = 10_000;
const shared = { signal: new AbortController().signal };

type Tamper = (request: HttpRequest, answer: Partial<HttpAnswer>) => Partial<HttpAnswer>;

interface Stage extends Scene {
  readonly consul: SmallConsul;
  open(nodeId: string, name?: string, incarnation?: number): LeaseStore;
  /** What becomes of the answer to each request from now on; throwing loses it. */
  tamper: Tamper | undefined;
  run<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

function openStage(options: Partial<ConsulLeasesOptions> = {}): Stage {
  const scene = openScene((request) => {
    const answer = consul.answer(request);
    return stage.tamper === undefined ? answer : stage.tamper(request, answer);
  });
  const consul = new SmallConsul(scene.clock);
  const engine = consulLeases(scene.client, { keepsKeys: true, ...options });
  const stage: Stage = {
    ...scene,
    consul,
    tamper: undefined,
    open: (nodeId, name = NAME, incarnation = 1) => {
      const identity = { nodeId, incarnation, claim: 0 };
      return engine.open({ name, identity, ttlMs: TTL_MS, share: { kind: 'exclusive' } });
    },
    run: (work) => scene.world.settled(work, 60_000),
    close: async () => engine[Symbol.asyncDispose](),
  };
  return stage;
}

function held(answer: LeaseHold | LeaseRefusal): LeaseHold {
  if ('renew' in answer) return answer;
  return expect.fail(`refused: ${JSON.stringify(answer)}`);
}

async function take(stage: Stage, store: LeaseStore): Promise<LeaseHold> {
  return held(await stage.run(store.acquire(shared)));
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => expect.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  return isClusterError(error) ? error.code : error;
}

/** Loses the answers to requests that match, for as many times. */
function lose(stage: Stage, pattern: RegExp, times = 1): void {
  let left = times;
  stage.tamper = ({ path, body }, answer) => {
    const text = `${path} ${body instanceof Uint8Array ? new TextDecoder().decode(body) : (body ?? '')}`;
    if (!pattern.test(text) || left <= 0) return answer;
    left -= 1;
    throw new Error('the answer was lost');
  };
}

describe('a lease of Consul', () => {
  it('is a key that is marked as a lock, with what people can read in it', async () => {
    const stage = openStage();
    const hold = await take(stage, stage.open('a'));
    const entry = stage.consul.entries.get(NAME);
    expect(entry).toMatchObject({ Flags: 0x2ddccbc058a50c18n, ModifyIndex: Number(hold.token) });
    const value = JSON.parse(atob(entry?.Value ?? '')) as unknown;
    expect(value).toEqual({ quorate: 1, state: 'held', nodeId: 'a', incarnation: 1, claim: 0, ttlMs: TTL_MS });
    expect([...stage.consul.sessions.values()]).toEqual([
      { Name: `quorate lease of ${NAME} for a, run 1, claim 0`, TTL: '10000ms', LockDelay: TTL_MS * 1e6 },
    ]);
    expect(hold.usableFrom).toBeLessThanOrEqual(stage.clock.now());
  });

  it('has a session whose time to live is its own, and at least half that of the lease', async () => {
    for (const [sessionTtlMs, expected] of [
      [undefined, '10000ms'],
      [7_000, '7000ms'],
      [1_000, '5000ms'],
    ] as const) {
      const stage = openStage({ sessionTtlMs });
      await take(stage, stage.open('a'));
      expect([...stage.consul.sessions.values()][0]?.TTL).toBe(expected);
    }
  });

  it('goes from one to the other at once when it is given back, with nothing left of the session', async () => {
    const stage = openStage();
    const [a, b] = [stage.open('a'), stage.open('b')];
    const first = await take(stage, a);
    expect(await stage.run(b.acquire(shared))).toEqual({});
    await stage.run(first.release({}));
    await stage.run(first.release({}));
    expect(stage.consul.sessions.size).toBe(0);
    const second = await take(stage, b);
    expect(second.token).toBeGreaterThan(first.token);
    expect(second.usableFrom).toBeLessThanOrEqual(stage.clock.now());
    expect(stage.consul.entries.get(NAME)?.LockIndex).toBe(2);
  });

  it('is found to be had though the answer was lost, and is not taken twice', async () => {
    const stage = openStage();
    const store = stage.open('a');
    lose(stage, /"Verb":"lock"/u);
    expect(await codeOf(stage.run(store.acquire(shared)))).toBe('IO');
    const taken = stage.consul.entries.get(NAME)?.ModifyIndex;
    const hold = await take(stage, store);
    expect(Number(hold.token)).toBe(taken);
    expect(stage.consul.entries.get(NAME)?.LockIndex).toBe(1);
    expect(await stage.run(hold.renew({}))).toBeLessThanOrEqual(stage.clock.now());
  });

  it('is given up by withdraw though nobody knew that it was had', async () => {
    const stage = openStage();
    const store = stage.open('a');
    lose(stage, /"Verb":"lock"/u);
    await codeOf(stage.run(store.acquire(shared)));
    await stage.run(store.withdraw({}));
    await stage.run(store.withdraw({}));
    expect(stage.consul.sessions.size).toBe(0);
    expect((await take(stage, stage.open('b'))).usableFrom).toBeLessThanOrEqual(stage.clock.now());
  });

  for (const [what, pattern] of [
    ['of the key that was created', /"Verb":"cas"/u],
    ['of the session that was made', /session\/create/u],
  ] as const) {
    it(`is had in the end though the answer ${what} was lost`, async () => {
      const stage = openStage();
      const store = stage.open('a');
      lose(stage, pattern);
      expect(await codeOf(stage.run(store.acquire(shared)))).toBe('IO');
      expect((await take(stage, store)).usableFrom).toBeLessThanOrEqual(stage.clock.now());
    });
  }

  for (const [what, pattern] of [
    ['of the key', /"Verb":"unlock"/u],
    ['of the session', /session\/destroy/u],
  ] as const) {
    it(`is given back in the end though the answer ${what} was lost`, async () => {
      const stage = openStage();
      const hold = await take(stage, stage.open('a'));
      lose(stage, pattern);
      expect(await codeOf(stage.run(hold.release({})))).toBe('IO');
      await stage.run(hold.release({}));
      expect(stage.consul.sessions.size).toBe(0);
      expect((await take(stage, stage.open('b'))).usableFrom).toBeLessThanOrEqual(stage.clock.now());
    });
  }

  it('is over when its session or its key is gone, or the key is of another session', async () => {
    const stage = openStage();
    const store = stage.open('a');
    const first = await take(stage, store);
    const [id = ''] = stage.consul.sessions.keys();
    stage.consul.endSession(id);
    expect(await codeOf(stage.run(first.renew({})))).toBe('NOT_FOUND');
    const second = held(await stage.run(waitFor(stage, store)));
    stage.consul.deleteKey(NAME);
    expect(await codeOf(stage.run(second.renew({})))).toBe('NOT_FOUND');
    const third = await take(stage, stage.open('b'));
    expect(await codeOf(stage.run(second.renew({})))).toBe('NOT_FOUND');
    expect(await stage.run(third.renew({}))).toBeLessThanOrEqual(stage.clock.now());
  });

  it('is not over because a server that has just started has not read all of its log yet', async () => {
    const stage = openStage();
    const first = await take(stage, stage.open('a'));
    let isReady = false;
    stage.tamper = ({ path }, answer) => {
      if (path.includes('session/info') && path.includes('consistent')) isReady = true;
      return isReady || !path.includes('session/renew') ? answer : { status: 404, body: 'Session id not found' };
    };
    expect(await stage.run(first.renew({}))).toBeLessThanOrEqual(stage.clock.now());
    expect(isReady).toBe(true);
  });

  it('is not taken from who has taken it since the key was read', async () => {
    const stage = openStage();
    const [a, b] = [stage.open('a'), stage.open('b')];
    await stage.run((await take(stage, a)).release({}));
    let winner: Promise<LeaseHold | LeaseRefusal> | undefined;
    stage.tamper = ({ path }, answer) => {
      if (winner === undefined && path.includes('session/create')) winner = a.acquire(shared);
      return answer;
    };
    // Its session is made while the other one takes the lease.
    const loser = await stage.run(b.acquire(shared));
    const both = [loser, await stage.run(winner ?? Promise.reject(new Error('not asked')))];
    expect(both.filter((answer) => 'renew' in answer)).toHaveLength(1);
  });

  it('is asked for again and again while the lock-delay lasts, and waits for who was seen to lose it', async () => {
    const stage = openStage();
    const [a, b] = [stage.open('a'), stage.open('b')];
    await take(stage, a);
    await stage.run(b.acquire(shared));
    const [id = ''] = stage.consul.sessions.keys();
    stage.consul.endSession(id);
    const endedAt = stage.clock.now();
    const refusal = await stage.run(b.acquire(shared));
    expect(refusal).toEqual({ retryAt: expect.closeTo(endedAt + 1_000, -2) as number });
    const hold = held(await stage.run(waitFor(stage, b)));
    expect(hold.usableFrom).toBeGreaterThanOrEqual(endedAt + TTL_MS);
    expect(hold.usableFrom).toBeLessThan(endedAt + TTL_MS + 100);
  });

  it('of an earlier run of the node is ended once, whatever comes after that', async () => {
    const stage = openStage();
    await take(stage, stage.open('a'));
    const again = stage.open('a', NAME, 2);
    const startedAt = stage.clock.now();
    expect(await stage.run(again.acquire(shared))).toEqual({});
    expect(stage.consul.sessions.size).toBe(0);
    const hold = held(await stage.run(waitFor(stage, again)));
    expect(hold.usableFrom - startedAt).toBeGreaterThanOrEqual(TTL_MS);
    expect(stage.clock.now() - startedAt).toBeLessThan(TTL_MS + 1_100);
    // Two nodes of one id, say: that they end each other's sessions must not go on for ever.
    await stage.run(hold.release({}));
    await take(stage, stage.open('a', NAME, 3));
    expect(await stage.run(again.acquire(shared))).toEqual({});
    expect(stage.consul.sessions.size).toBe(1);
    const another = stage.open('b');
    expect(await stage.run(another.acquire(shared))).toEqual({});
    expect(stage.consul.sessions.size).toBe(1);
  });

  it('passes on, in the key, that somebody may yet use it', async () => {
    const stage = openStage();
    const a = stage.open('a');
    await take(stage, a);
    stage.consul.deleteKey(NAME);
    const deletedAt = stage.clock.now();
    const second = await take(stage, stage.open('b'));
    expect(second.usableFrom).toBeGreaterThanOrEqual(deletedAt + TTL_MS);
    await stage.run(second.release({}));
    const third = await take(stage, stage.open('c'));
    expect(third.usableFrom).toBeGreaterThanOrEqual(deletedAt + TTL_MS);
    expect(third.usableFrom).toBeLessThan(deletedAt + TTL_MS + 500);
  });

  it('is exclusive, and of at most a minute', async () => {
    const { client } = openScene(() => ({}));
    const engine = consulLeases(client, { keepsKeys: true });
    const request = { name: NAME, identity: { nodeId: 'a', incarnation: 1, claim: 0 }, ttlMs: 60_001 };
    expect(() => engine.open({ ...request, share: { kind: 'exclusive' } })).toThrow(/ttlMs.*at most 60000/u);
    for (const share of [{ kind: 'read' }, { kind: 'write' }, { kind: 'permit', permits: 2 }] as const) {
      expect(() => engine.open({ ...request, ttlMs: 1_000, share })).toThrow('a lease is exclusive');
    }
  });
});

describe('following', () => {
  it('tells each change, and the token of the holder whatever is written into the key', async () => {
    const stage = openStage();
    const [a, b] = [stage.open('a'), stage.open('b')];
    const views: LeaseView[] = [];
    const controller = new AbortController();
    const following = b.follow((view) => void views.push(view), controller);
    const told = async (count: number) => {
      while (views.length < count) await stage.run(pass(stage, 50));
      return views[count - 1];
    };
    expect((await told(1))?.holder).toBeUndefined();
    const { token } = await take(stage, a);
    await until(stage, () => views.at(-1)?.holder !== undefined);
    expect(views.at(-1)).toEqual({ holder: { nodeId: 'a', token }, revision: token });
    const entry = stage.consul.entries.get(NAME);
    Object.assign(entry ?? {}, { Value: btoa('note'), ModifyIndex: (stage.consul.index += 1) });
    await until(stage, () => (views.at(-1)?.revision ?? 0n) > token);
    expect(views.at(-1)?.holder?.token).toBe(token);
    controller.abort();
    expect(await codeOf(stage.run(following))).toBe('ABORTED');
  });

  it('begins anew when Consul knows less than before', async () => {
    const stage = openStage();
    const { token } = await take(stage, stage.open('a'));
    const views: LeaseView[] = [];
    const following = stage.open('b').follow((view) => void views.push(view), shared);
    await until(stage, () => views.length > 0);
    stage.consul.index = 3;
    stage.consul.deleteKey(NAME);
    await stage.run(following);
    expect(views.map(({ revision }) => revision).every((revision) => revision >= token)).toBe(true);
  });
});

describe('keys of many leases', () => {
  it('are removed when nobody has wanted them for a time to live, and at the end', async () => {
    const stage = openStage({ keepsKeys: false });
    const [x, y] = [stage.open('a', 'x'), stage.open('a', 'y')];
    await stage.run((await take(stage, x)).release({}));
    await stage.run(pass(stage, TTL_MS / 2));
    expect(stage.consul.entries.has('x')).toBe(true);
    await stage.run((await take(stage, y)).release({}));
    const again = await take(stage, stage.open('b', 'x'));
    await stage.run(pass(stage, TTL_MS * 0.7));
    // Somebody has it again.
    expect(stage.consul.entries.has('x')).toBe(true);
    await stage.run(again.release({}));
    await stage.run(pass(stage, TTL_MS * 0.5));
    expect([...stage.consul.entries.keys()]).toEqual(['x']);
    await stage.run(stage.close());
    expect(stage.consul.entries.size).toBe(0);
  });
});

describe('what Consul says', () => {
  const bodies = [
    '',
    'null',
    '7',
    '"x"',
    '[]',
    '{}',
    '[null]',
    '[{"ModifyIndex":-1}]',
    '{"ID":7}',
    '{"Results":[{}]}',
    '<html>',
  ];
  /** With what of it can be lived. */
  const paths: Readonly<Record<string, readonly string[]>> = {
    '/kv/': [],
    '/txn': [],
    '/session/create': [],
    '/session/list': ['null', '[]', '[null]', '[{"ModifyIndex":-1}]'],
    // Whether all sessions are seen: then what it says otherwise is believed.
    '/internal/': bodies,
    '/session/renew': bodies.filter((body) => body !== '<html>'),
  };

  for (const [path, fine] of Object.entries(paths)) {
    it(`is not believed when it makes no sense: ${path}`, async () => {
      for (const body of bodies) {
        const stage = openStage();
        const hold = path.endsWith('renew') ? await take(stage, stage.open('b')) : undefined;
        stage.tamper = (request, answer) => (request.path.includes(path) ? { ...answer, status: 200, body } : answer);
        const call = async (): Promise<unknown> =>
          hold === undefined ? stage.open('a').acquire(shared) : hold.renew({});
        const code = await stage.run(call()).then(
          () => 'fine',
          (error: unknown) => (isClusterError(error) ? error.code : error),
        );
        expect([body, code]).toEqual([body, fine.includes(body) ? 'fine' : 'PROTOCOL']);
      }
    });
  }

  it('is passed on when it is a refusal that nobody knows', async () => {
    const stage = openStage();
    const refusal = { Results: null, Errors: [{ OpIndex: 0, What: 'Permission denied\n' }, null] };
    stage.tamper = (request, answer) =>
      request.path.includes('/txn') ? { status: 409, body: JSON.stringify(refusal) } : answer;
    const error = await stage.run(stage.open('a').acquire(shared)).catch(String);
    expect(error).toContain(`${NAME}: Permission denied`);
  });
});

function pass(stage: Stage, ms: number): Promise<void> {
  return new Promise((resolve) => void stage.clock.setTimer(ms, resolve));
}

async function until(stage: Stage, condition: () => boolean): Promise<void> {
  for (let round = 0; round < 200 && !condition(); round += 1) await stage.run(pass(stage, 50));
  expect(condition()).toBe(true);
}

/** Asks when it is told to, until it is had. */
async function waitFor(stage: Stage, store: LeaseStore): Promise<LeaseHold> {
  for (;;) {
    const answer = await store.acquire(shared);
    if ('renew' in answer) return answer;
    await pass(stage, Math.max(1, (answer.retryAt ?? 0) - stage.clock.now()));
  }
}
