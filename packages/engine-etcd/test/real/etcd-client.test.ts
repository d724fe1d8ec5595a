import { rm } from 'node:fs/promises';
import path from 'node:path';

import { isClusterError } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { etcdEngine } from '../../src/index.ts';
import { Following } from './following.ts';
import { HoldingProxy } from './holding-proxy.ts';

const system = nodeSystem();
const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());
const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

describe.skipIf(started === undefined)('a client of one etcd', () => {
  const etcd = started as EtcdCluster;
  const open = (endpoints = etcd.endpoints) =>
    etcdEngine({ endpoints, timeoutMs: 3_000, memberTimeoutMs: 500 }).open(system);

  it('creates a key once, whoever comes first, and tells all what is there', async () => {
    using client = open();
    using other = open();
    const both = await Promise.all([
      client.createIfAbsent('/once', bytes('a')),
      other.createIfAbsent('/once', bytes('b')),
    ]);
    const [first, second] = both.map(({ value }) => textOf(value));
    expect(['a', 'b']).toContain(first);
    expect(second).toBe(first);
    const found = await client.get('/once');
    expect(textOf(found?.value)).toBe(first);
    expect(found?.createRevision).toBe(both[0].createRevision);
    expect(await client.get('/never')).toBeUndefined();
  });

  it('lists thousands of keys at one revision, and says when there are more than asked for', async () => {
    using client = open();
    for (let at = 0; at < 1_100; at += 100) {
      const puts = Array.from({ length: 100 }, (_, each) => `/many/${String(at + each).padStart(5, '0')}`);
      await Promise.all(puts.map((key) => client.put(key, bytes(key))));
    }
    const all = await client.list('/many/');
    expect(all.entries.map(({ key, value }) => [key, textOf(value)])).toEqual(
      Array.from({ length: 1_100 }, (_, at) => `/many/${String(at).padStart(5, '0')}`).map((key) => [key, key]),
    );
    expect(all.complete).toBe(true);
    const some = await client.list('/many/', { limit: 7 });
    expect(some.entries).toHaveLength(7);
    expect(some.complete).toBe(false);
  });

  it('reads what is too large for one answer piece by piece', async () => {
    using client = open();
    const large = new Uint8Array(1_400_000);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await client.put(`/large/${name}`, large);
    const { entries } = await client.list('/large/');
    expect(entries.map(({ key, value }) => [key, value.length])).toHaveLength(7);
    for (const { value } of entries) expect(value).toHaveLength(large.length);
    await etcd.deletePrefix('/large/');
  });

  it('shares one connection among clients of an engine, and closes it with the last', async () => {
    await using proxy = await HoldingProxy.to(etcd.endpoints[0] ?? '');
    const engine = etcdEngine({ endpoints: [proxy.url] });
    const first = engine.open(system);
    const second = engine.open(system);
    await using following = new Following(system.clock, first, '/shared/');
    await first.put('/shared/a', bytes('a'));
    await following.until((keys) => keys.includes('a'));
    const lease = await second.grantLease({ ttlMs: 5_000 });
    await second.list('/shared/');
    expect(proxy.connections).toBe(1);
    first[Symbol.dispose]();
    await second.put('/shared/b', bytes('b'), { lease: lease.id });
    expect(proxy.connections).toBe(1);
    second[Symbol.dispose]();
    second[Symbol.dispose]();
    await proxy.drained();
    const refused = await second.list('/shared/').catch((error: unknown) => error);
    expect(isClusterError(refused, 'CLOSED')).toBe(true);
    expect(lease.isValid()).toBe(false);
    // Whoever comes afterwards is connected anew.
    using third = engine.open(system);
    expect((await third.list('/shared/')).entries).toHaveLength(2);
  });

  it('goes on from where it was when the way breaks, without reading all again', async () => {
    await using proxy = await HoldingProxy.to(etcd.endpoints[0] ?? '');
    using client = open([proxy.url]);
    await etcd.put('/broken/a', 'a');
    await using following = new Following(system.clock, client, '/broken/', { livenessMs: 5_000 });
    await following.until((keys) => keys.length === 1);
    proxy.cut();
    await etcd.put('/broken/b', 'b');
    await etcd.deletePrefix('/broken/a');
    proxy.mend();
    await following.until((keys) => keys.join() === 'b');
    expect(following.failures).toBe(0);
    // At first, and for each of the two changes: nothing was told that was known.
    expect(following.told).toBeLessThanOrEqual(3);
  });

  it('reads all again when etcd has forgotten what happened meanwhile', async () => {
    await using proxy = await HoldingProxy.to(etcd.endpoints[0] ?? '');
    using client = open([proxy.url]);
    await etcd.put('/forgotten/a', 'a');
    await using following = new Following(system.clock, client, '/forgotten/', { livenessMs: 5_000 });
    await following.until((keys) => keys.length === 1);
    proxy.cut();
    await etcd.deletePrefix('/forgotten/a');
    await etcd.put('/forgotten/b', 'b');
    await etcd.put('/forgotten/c', 'c');
    await etcd.compact();
    proxy.mend();
    await following.until((keys) => keys.join() === 'b,c');
    expect(following.failures).toBe(0);
    await etcd.put('/forgotten/d', 'd');
    await following.until((keys) => keys.join() === 'b,c,d');
  });

  it('gives up a connection that carries nothing any more, and makes another', async () => {
    await using proxy = await HoldingProxy.to(etcd.endpoints[0] ?? '');
    using client = open([proxy.url]);
    await using following = new Following(system.clock, client, '/frozen/', { livenessMs: 300 });
    const lease = await client.grantLease({ ttlMs: 6_000 });
    await client.put('/frozen/a', bytes('a'), { lease: lease.id });
    await following.until((keys) => keys.join() === 'a');
    proxy.freeze();
    const frozenAt = system.clock.now();
    await etcd.put('/frozen/b', 'b');
    await following.until((keys) => keys.join() === 'a,b');
    // By itself gRPC would take 15 s.
    expect(system.clock.now() - frozenAt).toBeLessThan(10_000);
    const { deadline } = lease;
    while (lease.deadline === deadline) await client.get('/frozen/a');
    expect(lease.isValid()).toBe(true);
  });

  it('follows across a restart and a pause of etcd', async () => {
    using client = open();
    await using following = new Following(system.clock, client, '/restart/', { livenessMs: 300 });
    await etcd.put('/restart/a', 'a');
    await following.until((keys) => keys.join() === 'a');
    await etcd.member(0).kill();
    await etcd.member(0).start();
    await etcd.put('/restart/b', 'b');
    await following.until((keys) => keys.join() === 'a,b');
    etcd.member(0).pause();
    const failures = following.failures;
    const hung = await client.list('/restart/').catch((error: unknown) => error);
    expect(isClusterError(hung, 'TIMEOUT')).toBe(true);
    etcd.member(0).resume();
    await etcd.put('/restart/c', 'c');
    await following.until((keys) => keys.join() === 'a,b,c');
    expect(following.failures).toBeGreaterThanOrEqual(failures);
  });

  it('knows that a lease is lost before etcd lets it expire', async () => {
    using client = open();
    const lease = await client.grantLease({ ttlMs: 2_000 });
    await client.put('/leased', bytes('x'), { lease: lease.id });
    const firstDeadline = lease.deadline;
    const lost = new Promise((resolve) => lease.lost.addEventListener('abort', resolve, { once: true }));
    // Longer than the lease would last by itself.
    await using following = new Following(system.clock, client, '/leased');
    await following.until((keys) => keys.length === 1);
    while (lease.deadline < firstDeadline + 1_000) await client.get('/leased');
    expect(lease.isValid()).toBe(true);
    etcd.member(0).pause();
    const stoppedAt = system.clock.now();
    await lost;
    expect(lease.isValid()).toBe(false);
    // 0.8 of its time after the last renewal that etcd can have seen; etcd waits for all of it.
    expect(lease.deadline).toBeLessThanOrEqual(stoppedAt + 1_600);
    etcd.member(0).resume();
    await following.until((keys) => keys.length === 0);
  });

  it('takes the keys away at once with a lease that is disposed of, and refuses one that is over', async () => {
    using client = open();
    const lease = await client.grantLease({ ttlMs: 60_000 });
    expect(lease.ttlMs).toBe(60_000);
    await client.put('/revoked', bytes('x'), { lease: lease.id });
    expect((await client.get('/revoked'))?.lease).toBe(lease.id);
    await lease[Symbol.asyncDispose]();
    await lease[Symbol.asyncDispose]();
    expect(lease.isValid()).toBe(false);
    expect(await client.get('/revoked')).toBeUndefined();
    const put = await client.put('/revoked', bytes('x'), { lease: lease.id }).catch((error: unknown) => error);
    expect(isClusterError(put, 'NOT_FOUND')).toBe(true);
  });

  it('notices that etcd has ended the lease', async () => {
    using client = open();
    const lease = await client.grantLease({ ttlMs: 3_000 });
    const lost = new Promise((resolve) => lease.lost.addEventListener('abort', resolve, { once: true }));
    await etcd.ask('kv/lease/revoke', { ID: lease.id });
    await lost;
    expect(String(lease.lost.reason)).toMatch(/it has expired/u);
  });

  it('reads all again from an etcd that was set up anew', async () => {
    await using proxy = await HoldingProxy.to(etcd.endpoints[0] ?? '');
    using client = open([proxy.url]);
    for (const key of ['a', 'b', 'c']) await etcd.put(`/anew/${key}`, key);
    await using following = new Following(system.clock, client, '/anew/', { livenessMs: 5_000 });
    await following.until((keys) => keys.join() === 'a,b,c');
    proxy.cut();
    await etcd.member(0).kill();
    await rm(path.join(etcd.folder, 'm0'), { recursive: true });
    await etcd.member(0).start();
    await etcd.put('/anew/d', 'd');
    proxy.mend();
    await following.until((keys) => keys.join() === 'd');
    expect(following.failures).toBe(0);
    await etcd.put('/anew/e', 'e');
    await following.until((keys) => keys.join() === 'd,e');
  });
});
