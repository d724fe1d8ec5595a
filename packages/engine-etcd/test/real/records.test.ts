import { nodeSystem } from '@quorate/core/node';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { etcdEngine, etcdRecords } from '../../src/index.ts';

const system = nodeSystem();
const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());
const bytes = (text: string) => new TextEncoder().encode(text);

describe.skipIf(started === undefined)('records in etcd', () => {
  const etcd = started as EtcdCluster;
  const open = () => etcdEngine({ endpoints: etcd.endpoints, memberTimeoutMs: 500 }).open(system);

  it('are written by who has seen the last version, and by nobody else', async () => {
    using client = open();
    using other = open();
    const [records, others] = [client, other].map((each) => etcdRecords(each, { prefix: '/records/' }));
    if (records === undefined || others === undefined) return expect.fail('no records');
    expect(await records.read('a')).toBeUndefined();
    const created = [records, others].map((each, at) => each.write('a', bytes(String(at)), undefined));
    expect((await Promise.all(created)).filter(Boolean)).toHaveLength(1);
    const seen = await records.read('a');
    expect(await others.read('a')).toEqual(seen);
    expect(await others.write('a', bytes('next'), seen?.version)).toBe(true);
    expect(await records.write('a', bytes('late'), seen?.version)).toBe(false);
    expect(await records.remove('a', seen?.version ?? '')).toBe(false);
    const next = await records.read('a');
    expect(new TextDecoder().decode(next?.value)).toBe('next');
    expect(await etcd.keys('/records/')).toEqual(['/records/a']);
    expect(await records.remove('a', next?.version ?? '')).toBe(true);
    expect(await records.read('a')).toBeUndefined();
    expect(await records.write('a', bytes('late'), next?.version)).toBe(false);
    expect(await records.write('a', bytes('next'), undefined)).toBe(true);
    expect((await records.read('a'))?.version).not.toBe(next?.version);
  });

  it('are written once though nobody answered the write, and are there when etcd comes back', async () => {
    using client = open();
    const records = etcdRecords(client, { prefix: '/kept/' });
    await records.write('a', bytes('0'), undefined);
    const seen = await records.read('a');
    etcd.member(0).pause();
    await expect(records.write('a', bytes('1'), seen?.version)).rejects.toMatchObject({ code: 'TIMEOUT' });
    etcd.member(0).resume();
    // What was sent may have been done meanwhile, or may yet come; whichever is first is the only one.
    await records.write('a', bytes('1'), seen?.version);
    expect(await records.write('a', bytes('2'), seen?.version)).toBe(false);
    const written = await records.read('a');
    expect(new TextDecoder().decode(written?.value)).toBe('1');
    await etcd.member(0).kill();
    await expect(records.read('a')).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await etcd.member(0).start();
    expect(await records.read('a')).toEqual(written);
  });

  it('have a prefix', () => {
    using client = open();
    expect(() => etcdRecords(client, { prefix: '' })).toThrow(/prefix must be a text that is not empty/u);
  });
});
