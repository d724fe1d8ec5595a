import { sleep, withDeadline } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import type { LeaseHold, LeaseShare, LeaseStore } from '@quorate/lease';
import { EtcdCluster, reportAbsent, TcpGate } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { etcdEngine, etcdLeases, putFenced } from '../../src/index.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());

const system = nodeSystem();

describe.skipIf(started === undefined)('leases of etcd', () => {
  const etcd = started as EtcdCluster;
  const engine = etcdEngine({ endpoints: etcd?.endpoints ?? ['http://127.0.0.1:1'] });
  const leases = etcdLeases(engine, system);
  afterAll(async () => await leases[Symbol.asyncDispose]());

  const ended = new AbortController();
  afterAll(() => ended.abort());

  /** Followed, as whoever waits for one follows it. */
  function open(name: string, nodeId: string, share: LeaseShare = { kind: 'exclusive' }): LeaseStore {
    const store = leases.open({ name, identity: { nodeId, incarnation: 1, claim: 0 }, ttlMs: 4_000, share });
    store.follow(() => undefined, ended).catch(() => undefined);
    return store;
  }

  async function taken(store: LeaseStore): Promise<LeaseHold> {
    return await withDeadline(system.clock, 10_000, 'the lease', async (signal) => {
      for (;;) {
        const answer = await store.acquire({ signal });
        if ('token' in answer) return answer;
        await sleep(system.clock, 20, { signal });
      }
    });
  }

  it('what is written under a token that is no longer the newest changes nothing', async () => {
    const name = '/fenced/leader';
    await using a = open(name, 'a');
    await using b = open(name, 'b');
    using client = engine.open(system);
    const former = await taken(a);
    const write = (value: string, token: bigint) =>
      putFenced(client, { key: '/fenced/orders', value: Buffer.from(value), name, token });
    await write('first', former.token);
    expect('token' in (await b.acquire({}))).toBe(false);
    await former.release({});
    const next = await taken(b);
    expect(next.token).toBeGreaterThan(former.token);
    await write('second', next.token);
    await expect(write('late', former.token)).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    await expect(write('never', next.token + 1n)).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    expect(Buffer.from((await client.get('/fenced/orders'))?.value ?? []).toString()).toBe('second');
  });

  it('a write that was under way for longer than the grant is refused when it arrives', async () => {
    const name = '/late/leader';
    await using gate = await TcpGate.open(Number(new URL(etcd.endpoints[0] ?? '').port));
    const patient = { timeoutMs: 20_000, memberTimeoutMs: 20_000 };
    const slow = etcdEngine({ endpoints: [`http://127.0.0.1:${gate.port}`], ...patient });
    using client = slow.open(system);
    await using a = open(name, 'a');
    await using b = open(name, 'b');
    const hold = await taken(a);
    const [place] = (await client.list(`${name}/`)).entries;
    const puts = [{ key: '/late/orders', value: Buffer.from('late') }];
    gate.stall();
    // What `putFenced` sends once it has found the place, and all that it sends.
    const condition = { key: place?.key ?? '', createRevision: hold.token };
    const under = client.writeIfCreated(condition, { puts });
    const whole = putFenced(client, { key: '/late/orders', value: Buffer.from('late'), name, token: hold.token });
    const refused = expect(whole).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    await hold.release({});
    const next = await taken(b);
    using direct = engine.open(system);
    await putFenced(direct, { key: '/late/orders', value: Buffer.from('in time'), name, token: next.token });
    gate.reopen();
    expect(await under).toBeUndefined();
    await refused;
    expect(Buffer.from((await direct.get('/late/orders'))?.value ?? []).toString()).toBe('in time');
  });

  it('the write of one that only waits is refused', async () => {
    const name = '/waiting/leader';
    await using a = open(name, 'a');
    await using b = open(name, 'b');
    using client = engine.open(system);
    await taken(a);
    await b.acquire({});
    const { entries } = await client.list(`${name}/`);
    const token = entries.map(({ createRevision }) => createRevision).sort((x, y) => (x < y ? 1 : -1))[0] ?? 0n;
    const write = putFenced(client, { key: '/waiting/orders', value: Buffer.from('x'), name, token });
    await expect(write).rejects.toMatchObject({ code: 'STALE_TOKEN' });
  });

  it('who begins to follow after it was refused learns that it was given back meanwhile', async () => {
    const name = '/between/leader';
    await using a = open(name, 'a');
    const request = { identity: { nodeId: 'b', incarnation: 1, claim: 0 }, share: { kind: 'exclusive' } } as const;
    await using b = leases.open({ name, ttlMs: 60_000, ...request });
    const hold = await taken(a);
    expect('token' in (await b.acquire({}))).toBe(false);
    await hold.release({});
    b.follow(() => undefined, ended).catch(() => undefined);
    expect((await taken(b)).token).toBeGreaterThan(hold.token);
  });

  it('what happened since a listing is told, and what has gone with what it had last', async () => {
    using client = engine.open(system);
    await client.put('/since/a', Buffer.from('1'));
    await client.put('/since/b', Buffer.from('1'));
    const since = await client.list('/since/');
    await client.put('/since/a', Buffer.from('2'));
    await etcd.deletePrefix('/since/a');
    const told: string[] = [];
    const gone: string[] = [];
    const stop = new AbortController();
    await client.follow(
      '/since/',
      ({ entries }) => {
        told.push(entries.map(({ key }) => key).join());
        if (told.length === 2) stop.abort();
      },
      { since, signal: stop.signal, onGone: ({ key, value }) => gone.push(`${key} ${Buffer.from(value).toString()}`) },
    );
    expect(told).toEqual(['/since/a,/since/b', '/since/b']);
    expect(gone).toEqual(['/since/a 2']);
  });

  it('tokens grow in the order of grants, also among those who hold it together', async () => {
    const stores = Array.from({ length: 6 }, (_, at) => open('/permits', `n${at}`, { kind: 'permit', permits: 2 }));
    const tokens: bigint[] = [];
    await Promise.all(
      stores.map(async (store) => {
        const hold = await taken(store);
        tokens.push(hold.token);
        await sleep(system.clock, 10);
        await hold.release({});
      }),
    );
    expect(new Set(tokens).size).toBe(6);
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
    expect(await etcd.keys('/permits')).toEqual([]);
  });

  it('renewing tells when the place is gone, and goes on when only the record of the grant is', async () => {
    const name = '/gone/leader';
    await using a = open(name, 'a');
    const hold = await taken(a);
    const before = system.clock.now();
    expect(await hold.renew({})).toBeGreaterThanOrEqual(before);
    await etcd.deletePrefix(`${name}.~`);
    await hold.renew({});
    expect(await etcd.keys(`${name}.~`)).toHaveLength(1);
    await etcd.deletePrefix(`${name}/`);
    await expect(hold.renew({})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await hold.release({});
    const again = await taken(a);
    expect(again.token).toBeGreaterThan(hold.token);
    await again.release({});
  });

  it('withdrawing takes away the place of one who waits, and what was taken', async () => {
    const name = '/withdrawn/leader';
    await using a = open(name, 'a');
    await using b = open(name, 'b');
    await taken(a);
    await b.acquire({});
    expect(await etcd.keys(`${name}/`)).toHaveLength(2);
    await b.withdraw({});
    await b.withdraw({});
    expect(await etcd.keys(`${name}/`)).toHaveLength(1);
    await a.withdraw({});
    expect(await etcd.keys(name)).toEqual([]);
    await taken(b);
  });
});
