import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, findProgram, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { electing, Samples, until } from './electing.ts';
import { Etcdctl } from './etcdctl.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
const found = findProgram('etcdctl');
if (found === undefined) reportAbsent('etcdctl');
afterAll(async () => await started?.[Symbol.asyncDispose]());

const isAbsent = started === undefined || found === undefined;

describe.skipIf(isAbsent)('one election for Quorate and etcdctl, which is as Go programs elect', () => {
  const etcd = started as EtcdCluster;
  const endpoint = etcd?.endpoints[0] ?? '';
  const etcdctl = (...args: string[]) => new Etcdctl(found ?? '', endpoint, args);
  const options = (name: string) => ({ engine: etcdEngine({ endpoints: etcd.endpoints }), name });
  const standing = (name: string) => async () => (await etcd.keys(`${name}/`)).length;

  it('etcdctl waits behind our leader, leads after it, and one of ours leads after etcdctl', async () => {
    const name = '/shared/leader';
    await using samples = new Samples();
    await using a = samples.watch('a', await electing('a', options(name)));
    const first = await a.campaign();
    await using theirs = etcdctl('elect', name, 'theirs');
    await until('etcdctl to stand', async () => (await standing(name)()) === 2);
    await using b = samples.watch('b', await electing('b', options(name)));
    const next = b.campaign();
    await until('b to stand', async () => (await standing(name)()) === 3);
    expect(theirs.lines).toEqual([]);
    await a.resign();
    await until('etcdctl to lead', () => theirs.lines.length > 0);
    expect(theirs.lines[1]).toBe('theirs');
    await until('all to know it', () => a.leader?.nodeId === 'theirs' && b.leader?.nodeId === 'theirs');
    const theirToken = a.leader?.token ?? 0n;
    expect(theirToken).toBeGreaterThan(first.token);
    expect(samples.valid()).toEqual([]);
    await theirs.interrupt();
    expect((await next).token).toBeGreaterThan(theirToken);
  });

  it('etcdctl shows our leader, and each that follows', async () => {
    const name = '/shown/leader';
    await using a = await electing('a', options(name));
    await using b = await electing('b', options(name));
    await a.campaign();
    await using shown = etcdctl('elect', '-l', name);
    await until('a to be shown', () => shown.lines.length === 2);
    expect(shown.lines[0]).toMatch(/^\/shown\/leader\/[0-9a-f]+$/u);
    expect(JSON.parse(shown.lines[1] ?? '')).toMatchObject({ node: 'a', incarnation: 1 });
    const next = b.campaign();
    await until('b to stand', async () => (await standing(name)()) === 2);
    await a.resign();
    await next;
    await until('b to be shown', () => shown.lines.length === 4);
    expect(JSON.parse(shown.lines[3] ?? '')).toMatchObject({ node: 'b' });
  });

  it('etcdctl takes over from a leader that died, when its lease is over', async () => {
    const name = '/died/leader';
    const former = await electing('a', options(name));
    const grant = await former.campaign();
    await using theirs = etcdctl('elect', name, 'theirs');
    await until('etcdctl to stand', async () => (await standing(name)()) === 2);
    await using observer = await electing('c', options(name));
    // As a process that is gone: nothing renews it, and nothing is given back.
    etcd.member(0).pause();
    await until('its grant to end', () => !grant.isValid());
    const disposing = former[Symbol.asyncDispose]();
    await disposing;
    etcd.member(0).resume();
    await until('etcdctl to lead', () => theirs.lines.length > 0, 15_000);
    await until('it to be known', () => observer.leader?.nodeId === 'theirs');
  });
});
