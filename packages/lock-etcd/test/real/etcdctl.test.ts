import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { type ClusterContext, type Locks, silentLogger, sleep, withDeadline } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, findProgram, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { etcdLocks } from '../../src/index.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
const found = findProgram('etcdctl');
if (found === undefined) reportAbsent('etcdctl');
afterAll(async () => await started?.[Symbol.asyncDispose]());

const system = nodeSystem({ logger: silentLogger });

async function locksOf(id: string, endpoints: readonly string[]): Promise<Locks> {
  const self = { id, host: '127.0.0.1', port: 7_000 };
  const cluster = { name: 'test', id: undefined, adopt: () => undefined };
  const context = { ...system, self, incarnation: 1, cluster } as unknown as ClusterContext;
  const locks = etcdLocks({ engine: etcdEngine({ endpoints }), prefix: '/locks/' }).create(context);
  await locks.start();
  return locks;
}

async function until(what: string, isMet: () => boolean | Promise<boolean>): Promise<void> {
  await withDeadline(system.clock, 10_000, what, async (signal) => {
    while (!(await isMet())) await sleep(system.clock, 5, { signal });
  });
}

describe.skipIf(started === undefined || found === undefined)('one lock for Quorate and etcdctl', () => {
  const etcd = started as EtcdCluster;

  it('etcdctl has it after ours, and one of ours after etcdctl, with a greater token', async () => {
    await using locks = await locksOf('a', etcd.endpoints);
    const first = await locks.lock('orders');
    const theirs = spawn(found ?? '', [`--endpoints=${etcd.endpoints[0]}`, 'lock', '/locks/orders']);
    const lines: string[] = [];
    createInterface({ input: theirs.stdout }).on('line', (line) => lines.push(line));
    try {
      await until('etcdctl to wait', async () => (await etcd.keys('/locks/orders/')).length === 2);
      const next = locks.lock('orders');
      await until('ours to wait', async () => (await etcd.keys('/locks/orders/')).length === 3);
      expect(await locks.tryLock('orders')).toBeUndefined();
      expect(lines).toEqual([]);
      await first.release();
      await until('etcdctl to have it', () => lines.length > 0);
      expect(first.isValid()).toBe(false);
      expect(lines[0]).toMatch(/^\/locks\/orders\/[0-9a-f]+$/u);
      const exited = once(theirs, 'exit');
      theirs.kill('SIGINT');
      await exited;
      await using second = await next;
      expect(second.token).toBeGreaterThan(first.token);
    } finally {
      theirs.kill('SIGKILL');
    }
  });

  it('locks whose names are alike don’t meet, and leave nothing behind', async () => {
    await using locks = await locksOf('a', etcd.endpoints);
    const names = ['x', 'x/', 'x/y', 'x.~', 'x.~1a', 'x y', 'x%2F', 'ü'];
    const held = await Promise.all(names.map((name) => locks.tryLock(name)));
    expect(held.every((lock) => lock?.isValid() === true)).toBe(true);
    await Promise.all(held.map(async (lock) => await lock?.release()));
    await until('nothing to be left', async () => (await etcd.keys('/locks/')).length === 0);
  });
});
