import { sleep } from '@quorate/core';
import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { alwaysStanding, electing, OwnWay, Samples, system, TAKEN_OVER_MS, TTL_MS, until } from './electing.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());

let cases = 0;

describe.skipIf(started === undefined)('an election while something fails', () => {
  const etcd = started as EtcdCluster;
  const newEngine = () => etcdEngine({ endpoints: etcd.endpoints });
  const newName = () => `/faults-${(cases += 1)}/leader`;

  it('a leader that nothing reaches ends its grant before another begins, and follows when it is back', async () => {
    const name = newName();
    await using way = await OwnWay.to(etcd.endpoints);
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: way.engine, name }));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }));
    const former = await a.campaign();
    const next = b.campaign();
    await until('b to know the leader', () => b.leader?.nodeId === 'a');
    way.stall();
    const stalledAt = system.clock.now();
    const grant = await next;
    expect(former.isValid()).toBe(false);
    expect(grant.token).toBeGreaterThan(former.token);
    // etcd looks for leases that are over twice a second; the last renewal may have been a sixth of the lease ago.
    const tookMs = system.clock.now() - stalledAt;
    expect(tookMs).toBeGreaterThan((4 / 6) * TTL_MS);
    expect(tookMs).toBeLessThan(TTL_MS + 2_000);
    way.reopen();
    await until('a to know the leader', () => a.leader?.token === grant.token);
    expect(grant.isValid()).toBe(true);
  });

  it('while etcd is down the grant ends in time, and when it is back one leads again', async () => {
    const name = newName();
    const standing = new AbortController();
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name }));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }));
    for (const election of [a, b]) alwaysStanding(election, standing.signal);
    const first = await samples.leader();
    await etcd.member(0).kill();
    await until('the grant to end', () => !first.isValid(), TTL_MS);
    expect(samples.valid()).toEqual([]);
    await etcd.member(0).start();
    expect((await samples.leader()).token).toBeGreaterThanOrEqual(first.token);
    standing.abort();
  });

  it('a restart of etcd that is quicker than the lease costs nobody the leadership', async () => {
    const name = newName();
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name, ttlMs: 6_000 }));
    const grant = await a.campaign();
    await etcd.member(0).kill();
    await etcd.member(0).start();
    const { deadline } = grant;
    await until('a renewal', () => grant.deadline > deadline, 6_000);
    expect(grant.isValid()).toBe(true);
  });

  it('while etcd hangs the grant ends in time, and when it goes on one leads again', async () => {
    const name = newName();
    const standing = new AbortController();
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name }));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }));
    for (const election of [a, b]) alwaysStanding(election, standing.signal);
    const first = await samples.leader();
    etcd.member(0).pause();
    await until('the grant to end', () => !first.isValid(), TTL_MS);
    await sleep(system.clock, TTL_MS / 2);
    expect(samples.valid()).toEqual([]);
    etcd.member(0).resume();
    await samples.leader();
    standing.abort();
  });

  it('what was compacted while a candidate was cut off is read anew, and it takes over', async () => {
    const name = newName();
    await using way = await OwnWay.to(etcd.endpoints);
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name, ttlMs: 6_000 }));
    await using b = samples.watch('b', await electing('b', { engine: way.engine, name, ttlMs: 6_000 }));
    await a.campaign();
    const next = b.campaign();
    await until('b to stand', async () => (await etcd.keys(`${name}/`)).length === 2);
    way.cut();
    for (const value of ['1', '2', '3']) await etcd.put('/elsewhere', value);
    await etcd.compact();
    way.reopen();
    await a.resign();
    expect((await next).isValid()).toBe(true);
  });

  it('wall clocks that jump move no deadline', async () => {
    const name = newName();
    let offsetMs = 0;
    const clock = {
      now: () => system.clock.now(),
      wallTime: () => system.clock.wallTime() + offsetMs,
      setTimer: system.clock.setTimer.bind(system.clock),
      defer: system.clock.defer.bind(system.clock),
    };
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name }, { clock }));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }, { clock }));
    const grant = await a.campaign();
    void b.campaign().catch(() => undefined);
    for (const jump of [86_400_000, -86_400_000]) {
      offsetMs = jump;
      const { deadline } = grant;
      await until('two renewals', () => grant.deadline > deadline + TTL_MS / 4);
    }
    expect(grant.isValid()).toBe(true);
  });

  it('a node that starts again is another one: what it had before isn’t its, and ends with its lease', async () => {
    const name = newName();
    await using way = await OwnWay.to(etcd.endpoints);
    await using samples = new Samples();
    const before = samples.watch('a', await electing('a', { engine: way.engine, name }));
    const former = await before.campaign();
    way.cut();
    const cutAt = system.clock.now();
    await using a = samples.watch('a again', await electing('a', { engine: newEngine(), name }, { incarnation: 2 }));
    const grant = await a.campaign();
    expect(grant.token).toBeGreaterThan(former.token);
    expect(former.isValid()).toBe(false);
    expect(system.clock.now() - cutAt).toBeLessThan(TAKEN_OVER_MS);
    await before[Symbol.asyncDispose]();
  });
});
