import { sleep } from '@quorate/core';
import { etcdEngine } from '@quorate/engine-etcd';
import { base64, EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { electing, OwnWay, Samples, system, TAKEN_OVER_MS, until } from './electing.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());

let cases = 0;

describe.skipIf(started === undefined)('an election that an operator interferes with', () => {
  const etcd = started as EtcdCluster;
  const newEngine = () => etcdEngine({ endpoints: etcd.endpoints });
  const newName = () => `/operator-${(cases += 1)}/leader`;
  const leaseOf = async (key: string) => {
    const { kvs = [] } = await etcd.ask('kv/range', { key: base64(key) });
    return kvs[0]?.lease;
  };
  const placeOf = async (name: string, token: bigint) => {
    const { kvs = [] } = await etcd.ask('kv/range', { key: base64(`${name}/`), range_end: base64(`${name}0`) });
    const found = kvs.find((kv) => (kv as { create_revision?: string }).create_revision === String(token));
    return Buffer.from(found?.key ?? '', 'base64').toString();
  };
  const revoke = async (lease: string | undefined) => await etcd.ask('lease/revoke', { ID: lease });

  /** What an operator may do to a leader, by the key of its place. */
  const deeds: Readonly<Record<string, (name: string, key: string) => Promise<unknown>>> = {
    'deletes its key': (_name, key) => etcd.ask('kv/deleterange', { key: base64(key) }),
    'revokes its lease': async (_name, key) => await revoke(await leaseOf(key)),
    'revokes all its leases': async (name, key) => {
      const leases = [await leaseOf(key), await leaseOf(key.replace(`${name}/`, `${name}.~`))];
      for (const lease of leases) await revoke(lease);
    },
    'deletes all keys of the election': (name) => etcd.deletePrefix(name),
  };

  for (const [deed, act] of Object.entries(deeds)) {
    it(`${deed} while it can't know: nobody leads before its grant has ended`, async () => {
      const name = newName();
      await using way = await OwnWay.to(etcd.endpoints);
      await using samples = new Samples();
      await using a = samples.watch('a', await electing('a', { engine: way.engine, name }));
      await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }));
      const former = await a.campaign();
      const next = b.campaign();
      await until('b to stand', async () => (await etcd.keys(`${name}/`)).length === 2);
      const key = await placeOf(name, former.token);
      // Right after a renewal: then its grant has most of its time to come.
      const { deadline } = former;
      await until('a renewal', () => former.deadline > deadline);
      way.stall();
      await act(name, key);
      expect(former.isValid()).toBe(true);
      const grant = await next;
      expect(former.isValid()).toBe(false);
      expect(grant.token).toBeGreaterThan(former.token);
      way.reopen();
      await until('a to know the leader', () => a.leader?.token === grant.token);
    });

    it(`${deed}: it ends its grant and says so, and one leads again at once`, async () => {
      const name = newName();
      const options = () => ({ engine: newEngine(), name, ttlMs: 10_000 });
      await using samples = new Samples();
      await using a = samples.watch('a', await electing('a', options()));
      await using b = samples.watch('b', await electing('b', options()));
      const former = await a.campaign();
      const next = b.campaign();
      await until('b to stand', async () => (await etcd.keys(`${name}/`)).length === 2);
      await act(name, await placeOf(name, former.token));
      const actedAt = system.clock.now();
      await until('its grant to end', () => former.signal.aborted, 1_000);
      expect((await next).token).toBeGreaterThan(former.token);
      expect(system.clock.now() - actedAt).toBeLessThan(3_000);
    });
  }

  it('who comes only after the key was deleted learns of the grant that may still hold', async () => {
    const name = newName();
    await using way = await OwnWay.to(etcd.endpoints);
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: way.engine, name }));
    const former = await a.campaign();
    const { deadline } = former;
    await until('a renewal', () => former.deadline > deadline);
    way.stall();
    await revoke(await leaseOf(await placeOf(name, former.token)));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }));
    const next = b.campaign();
    await until('b to stand', async () => (await etcd.keys(`${name}/`)).length === 1);
    expect(former.isValid()).toBe(true);
    expect((await next).token).toBeGreaterThan(former.token);
    expect(former.isValid()).toBe(false);
  });

  it('a candidate whose lease is revoked while it waits stands anew', async () => {
    const name = newName();
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name }));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name }));
    const former = await a.campaign();
    const next = b.campaign();
    const waiting = async () => {
      const keys = await etcd.keys(`${name}/`);
      const first = await placeOf(name, former.token);
      return keys.find((key) => key !== first);
    };
    await until('b to stand', async () => (await waiting()) !== undefined);
    const lost = await waiting();
    await revoke(await leaseOf(lost ?? ''));
    await until('b to stand anew', async () => ![undefined, lost].includes(await waiting()));
    await a.resign();
    expect((await next).isValid()).toBe(true);
  });

  it('a leader that resigns hands over at once, however long the lease is', async () => {
    const name = newName();
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', { engine: newEngine(), name, ttlMs: 60_000 }));
    await using b = samples.watch('b', await electing('b', { engine: newEngine(), name, ttlMs: 60_000 }));
    await a.campaign();
    const next = b.campaign();
    await until('b to stand', async () => (await etcd.keys(`${name}/`)).length === 2);
    const resignedAt = system.clock.now();
    await a.resign();
    await next;
    expect(system.clock.now() - resignedAt).toBeLessThan(1_000);
    await sleep(system.clock, 100);
    // One of it who leads, and what tells of its grant.
    expect(await etcd.keys(name)).toHaveLength(2);
    await b.resign();
    await until('nothing to be left', async () => (await etcd.keys(name)).length === 0, TAKEN_OVER_MS);
  });
});
