import { createCluster } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { type Health, healthOf, type HealthOptions } from '../src/index.ts';
import { byMajority, byRaft, Nodes } from './nodes.ts';

const QUICK: HealthOptions = { everyMs: 100, failures: 3, successes: 2 };

class Stage {
  readonly nodes: Nodes;
  readonly health = new Map<string, Health>();

  constructor(seed: string, options: HealthOptions = {}, parts: () => object = byRaft) {
    this.nodes = new Nodes(seed, parts, (cluster, name) => {
      this.health.set(name, healthOf(cluster, { ...QUICK, ...options }));
    });
    this.nodes.startAll();
  }

  of(name: string): Health {
    return this.health.get(name) as Health;
  }

  async allReady(): Promise<void> {
    await this.nodes.elected();
    await this.nodes.until(() => this.nodes.running.every((name) => this.of(name).ready));
  }
}

describe('the health of a node', () => {
  it('is good when it has a leader, a quorum, its entries and its disk', async () => {
    const stage = new Stage('well');
    const { nodes } = stage;
    await nodes.until(() => nodes.running.length > 0);
    expect(stage.of(nodes.running[0] as string)).toMatchObject({ live: true, ready: false });
    await stage.allReady();
    const { checks, ...rest } = stage.of('a').report();
    expect(rest).toEqual({ live: true, ready: true, status: 'running' });
    expect(Object.keys(checks)).toEqual(['leader', 'quorum', 'replication', 'disk', 'eventLoop']);
    expect(Object.values(checks)).toEqual(Array.from({ length: 5 }, () => ({ ok: true, problem: undefined })));
    expect(await nodes.soon(nodes.get('a').storage.records.names())).toContain('health');
  });

  it('knows only the checks of parts that there are', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'error' });
    expect(() => healthOf(cluster)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    await cluster.start();
    using health = healthOf(cluster, { checks: { mine: () => undefined } });
    await health.look();
    expect(Object.keys(health.report().checks)).toEqual(['leader', 'quorum', 'eventLoop', 'mine']);
    expect(health.ready).toBe(true);
    await cluster.stop();
    expect(health).toMatchObject({ live: false, ready: false });
  });

  it('is not good alone: after so many failures, and until so many successes', async () => {
    const stage = new Stage('alone', {}, byMajority);
    const { nodes } = stage;
    await stage.allReady();
    const { follower } = nodes;
    const others = nodes.world.hosts.filter(({ name }) => name !== follower);
    nodes.world.partition(nodes.host(follower), others);
    const health = stage.of(follower);
    await nodes.until(() => health.report().checks['leader']?.problem !== undefined);
    const noticed = nodes.world.now;
    expect(health.ready).toBe(true);
    await nodes.until(() => !health.ready);
    expect(nodes.world.now - noticed).toBeGreaterThan(150);
    expect(nodes.world.now - noticed).toBeLessThan(250);
    expect(health.report().checks['leader']).toEqual({ ok: false, problem: 'no leader is known' });
    expect(health.live).toBe(true);
    nodes.world.heal();
    await nodes.until(() => nodes.get(follower).leader !== undefined);
    await nodes.until(() => health.ready);
  });

  it('counts voters where it is told who they are', async () => {
    const stage = new Stage('voters', { voters: () => ['a', 'b', 'c'] }, byMajority);
    const { nodes } = stage;
    await stage.allReady();
    const leader = nodes.leader as string;
    const others = nodes.running.filter((name) => name !== leader);
    for (const name of others) nodes.crash(name);
    await nodes.until(() => !stage.of(leader).ready);
    await nodes.until(() => stage.of(leader).report().checks['quorum']?.problem === '1 of 3 voters are alive');
  });

  it('is not good where the disk fails, or takes too long', async () => {
    const stage = new Stage('disk', { diskEveryMs: 200, timeoutMs: 300 });
    const { nodes } = stage;
    await stage.allReady();
    const { storage } = nodes.get('a');
    const { records } = storage;
    const write = records.write.bind(records);
    records.write = (name, bytes) => (name === 'health' ? Promise.reject(new Error('full')) : write(name, bytes));
    await nodes.until(() => !stage.of('a').ready);
    expect(stage.of('a').report().checks['disk']?.problem).toContain('could not be written');
    records.write = write;
    await nodes.until(() => stage.of('a').ready);
    const pending: (() => void)[] = [];
    records.write = (name, bytes) =>
      name === 'health' ? new Promise<void>((resolve) => void pending.push(resolve)) : write(name, bytes);
    await nodes.until(() => !stage.of('a').ready);
    await nodes.world.run(5000);
    expect(pending).toHaveLength(1);
    records.write = write;
    pending[0]?.();
    await nodes.until(() => stage.of('a').ready);
  });

  it('tells of an event loop that is late', async () => {
    const stage = new Stage('late', { failures: 1, maxEventLoopDelayMs: 200 });
    const { nodes } = stage;
    await stage.allReady();
    nodes.host('a').stall(100);
    await nodes.world.run(1000);
    expect(stage.of('a').ready).toBe(true);
    let problem: string | undefined;
    nodes.world.onStep(() => {
      problem ??= stage.of('a').report().checks['eventLoop']?.problem;
    });
    nodes.host('a').stall(700);
    await nodes.until(() => problem !== undefined);
    expect(problem).toMatch(/the event loop was [67]\d\d ms late/u);
    await nodes.until(() => stage.of('a').ready);
  });

  it('has checks of its user, for readiness or for life', async () => {
    let problem: string | undefined;
    const mine = (): void => {
      if (problem !== undefined) throw new Error(problem);
    };
    const stage = new Stage('mine', { checks: { mine, hangs: async () => undefined }, live: ['mine'] });
    const { nodes } = stage;
    await stage.allReady();
    problem = 'broken';
    await nodes.until(() => !stage.of('a').live);
    expect(stage.of('a').report().checks['mine']).toEqual({ ok: false, problem: 'broken' });
    problem = undefined;
    await nodes.until(() => stage.of('a').ready && stage.of('a').live);
    stage.of('a')[Symbol.dispose]();
    expect(stage.of('a').ready).toBe(false);
  });

  it.each([
    { everyMs: 0 },
    { live: ['other'] },
    { checks: { disk: () => undefined } },
    { checks: { 'a b': () => undefined } },
    { voters: ['a'] },
  ])('refuses wrong options: %j', async (options) => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'error' });
    await cluster.start();
    expect(() => healthOf(cluster, options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    await cluster.stop();
  });
});

describe('what is answered over HTTP', () => {
  it('is 200 or 503 with the report, at two paths', async () => {
    const stage = new Stage('http');
    const { nodes } = stage;
    await stage.allReady();
    const health = stage.of('a');
    const ask = async (path: string): Promise<readonly [number, unknown]> => {
      const response = health.webHandler(new Request(`http://a${path}`));
      return [response?.status ?? 0, await response?.json()];
    };
    expect(await ask('/livez')).toMatchObject([200, { live: true, ready: true }]);
    expect(await ask('/readyz?verbose')).toMatchObject([200, { checks: { leader: { ok: true } } }]);
    expect(health.webHandler(new Request('http://a/other'))).toBeUndefined();
    for (const name of ['b', 'c']) nodes.crash(name);
    await nodes.until(() => !health.ready);
    expect(await ask('/livez')).toMatchObject([200, { ready: false }]);
    expect(await ask('/readyz')).toMatchObject([503, { checks: { leader: { ok: false } } }]);

    const written: (number | string)[] = [];
    const response = {
      statusCode: 0,
      headersSent: false,
      setHeader: (name: string, value: unknown) => written.push(`${name}: ${String(value)}`),
      removeHeader: () => undefined,
      destroy: () => undefined,
      end: () => written.push(response.statusCode),
      once: () => undefined,
    };
    const request = (url: string): never => ({ url, headers: {} }) as never;
    health.nodeHandler(request('/readyz'), response);
    expect(written).toEqual(['content-type: application/json', 'cache-control: no-store', 503]);
    health.nodeHandler(request('/other'), response);
    expect(written.at(-1)).toBe(404);
    health.nodeHandler(request('/other'), response, () => written.push('next'));
    expect(written.at(-1)).toBe('next');
  });
});
