import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { withDeadline } from '@quorate/core';
import { type EtcdEngine, etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { discover, nodeNamed, system, Watcher } from './discovering.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());

const observer = nodeNamed('observer', 7_000);
const a = nodeNamed('a', 7_001);
const b = nodeNamed('b', 7_002);
const c = nodeNamed('c', 7_003);

describe.skipIf(started === undefined)('nodes that find each other in etcd', () => {
  const etcd = started as EtcdCluster;
  const engine = () => etcdEngine({ endpoints: etcd.endpoints, memberTimeoutMs: 500, timeoutMs: 1_500 });
  const quick = { livenessMs: 300, backoff: { baseMs: 50, maxMs: 300 }, timeoutMs: 2_000 };
  const options = (prefix: string, shared: EtcdEngine = engine()) => ({ engine: shared, prefix, ...quick });
  const keyOf = (prefix: string, id: string) => `${prefix}test/nodes/${id}`;
  const until = async (what: string, isMet: () => boolean | Promise<boolean>) => {
    const met = async () => {
      while (!(await isMet())) await etcd.keys('/none');
    };
    await withDeadline(system.clock, 15_000, what, met);
  };

  it('a node that is killed disappears when its lease is over, and not before', async () => {
    const prefix = '/killed/';
    await using watching = discover(observer, options(prefix)).discovery;
    await using watcher = new Watcher(watching);
    const program = fileURLToPath(new URL('registering-node.ts', import.meta.url));
    const args = ['--conditions=@quorate/source', '--no-warnings', program, etcd.endpoints[0] ?? '', prefix];
    const child = spawn(process.execPath, [...args, b.id, String(b.port), '2000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await using other = discover(a, options(prefix)).discovery;
      await other.registerNode(a);
      await once(child.stdout, 'data');
      await watcher.until([a, b]);
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      const killedAt = system.clock.now();
      await watcher.until([a]);
      const tookMs = system.clock.now() - killedAt;
      // The last renewal may have been a sixth of the lease ago.
      expect(tookMs).toBeGreaterThan(1_000);
      expect(tookMs).toBeLessThan(9_000);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('changes are seen at once: of address, of metadata, of who is there', async () => {
    const prefix = '/changes/';
    const shared = engine();
    await using watching = discover(observer, options(prefix, shared)).discovery;
    await using registering = discover(a, options(prefix, shared)).discovery;
    await using watcher = new Watcher(watching);
    await registering.registerNode(a);
    await watcher.until([a], 4_000);
    const moved = { ...a, port: 7_009, zone: 'z1', metadata: { rack: '7' } };
    await registering.registerNode(moved);
    await watcher.until([moved], 4_000);
    expect(await watching.discoverNodes()).toEqual([moved]);
    expect(await etcd.keys(keyOf(prefix, ''))).toEqual([keyOf(prefix, 'a')]);
    await registering.registerNode(b);
    await registering.unregisterNode('a');
    await watcher.until([b], 4_000);
  });

  it('what one is disposed of with goes at once, and what others registered stays', async () => {
    const prefix = '/disposed/';
    const first = discover(a, options(prefix)).discovery;
    await using second = discover(b, options(prefix)).discovery;
    await first.registerNode(a);
    await second.registerNode(b);
    await first[Symbol.asyncDispose]();
    expect(await etcd.keys(keyOf(prefix, ''))).toEqual([keyOf(prefix, 'b')]);
  });

  it('a registration comes back that somebody deleted, or that etcd let expire while it was stopped', async () => {
    const prefix = '/deleted/';
    const { discovery, lines } = discover(a, { ...options(prefix), leaseMs: 2_000 });
    await using registering = discovery;
    await using watching = discover(observer, options(prefix)).discovery;
    await using watcher = new Watcher(watching);
    await registering.registerNode(a);
    await watcher.until([a]);
    await etcd.deletePrefix(keyOf(prefix, ''));
    await until('the key to be back', async () => (await etcd.keys(keyOf(prefix, ''))).length === 1);
    etcd.member(0).pause();
    await withDeadline(system.clock, 10_000, 'the lease to be lost', async () => {
      while (!lines.some((line) => line.includes('the registration is not kept'))) {
        await discovery.discoverNodes().catch(() => undefined);
      }
    });
    etcd.member(0).resume();
    await until('it to be registered again', () => lines.some((line) => line.includes('registered again')));
    expect(await etcd.keys(keyOf(prefix, ''))).toEqual([keyOf(prefix, 'a')]);
    await watcher.until([a]);
    await registering.unregisterNode('a');
    expect(await etcd.keys(keyOf(prefix, ''))).toEqual([]);
  });

  it('two that register one id are told of, and neither takes away what the other wrote', async () => {
    const prefix = '/contested/';
    const former = discover(a, { ...options(prefix), leaseMs: 2_000 });
    await using first = former.discovery;
    await using second = discover(a, { ...options(prefix), leaseMs: 2_000 }).discovery;
    await first.registerNode(a);
    await second.registerNode({ ...a, port: 7_008 });
    await until('a warning', () => former.lines.some((line) => /^warn .*by somebody else/u.test(line)));
    await first.unregisterNode('a');
    await using watching = discover(observer, options(prefix)).discovery;
    expect(await watching.discoverNodes()).toEqual([{ ...a, port: 7_008 }]);
  });

  it('clusters of two names share an etcd and a prefix without seeing each other', async () => {
    const shared = engine();
    await using one = discover(a, options('/named/', shared), 'one').discovery;
    await using two = discover(b, options('/named/', shared), 'two').discovery;
    await using other = discover(c, options('/named/', shared), 'one').discovery;
    await one.registerNode(a);
    await two.registerNode(b);
    expect(await other.discoverNodes()).toEqual([a]);
    expect(await two.discoverNodes()).toEqual([]);
    expect(await one.claim?.(new Uint8Array([1]))).toEqual(new Uint8Array([1]));
    expect(await two.claim?.(undefined)).toBeUndefined();
  });

  it('what is no node is left out and named by its key, once', async () => {
    const prefix = '/hostile/';
    const { discovery, lines } = discover(observer, options(prefix));
    await using watching = discovery;
    await etcd.put(keyOf(prefix, 'a'), JSON.stringify(a));
    await etcd.put(keyOf(prefix, 'b'), 'no JSON');
    await etcd.put(keyOf(prefix, 'x/y'), JSON.stringify(b));
    await etcd.put(keyOf(prefix, 'big'), JSON.stringify({ ...b, id: 'big', metadata: { big: 'x'.repeat(50_000) } }));
    await etcd.put(keyOf(prefix, 'other'), JSON.stringify(b));
    await etcd.put(keyOf(prefix, 'later'), JSON.stringify({ ...b, id: 'later', format: 2 }));
    for (const _ of [1, 2]) expect(await watching.discoverNodes()).toEqual([a]);
    const warnings = lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toHaveLength(5);
    for (const id of ['b', 'x/y', 'big', 'other', 'later']) {
      expect(warnings.filter((line) => line.includes(`"${keyOf(prefix, id)}"`))).toHaveLength(1);
    }
  });

  it('while etcd is gone the last nodes are kept, which is reported, and all goes on when it is back', async () => {
    const prefix = '/gone/';
    const { discovery, lines } = discover(observer, options(prefix));
    await using watching = discovery;
    await using registering = discover(a, options(prefix)).discovery;
    await using watcher = new Watcher(watching);
    await registering.registerNode(a);
    await watcher.until([a]);
    await etcd.member(0).kill();
    while (!lines.some((line) => line.startsWith('warn'))) await watching.discoverNodes().catch(() => undefined);
    await expect(watching.discoverNodes()).rejects.toThrow(/ECONNREFUSED/u);
    expect(discovery.lastGood?.nodes).toEqual([a]);
    await etcd.member(0).start();
    await using late = discover(b, options(prefix)).discovery;
    await late.registerNode(b);
    await watcher.until([a, b]);
  });
});
