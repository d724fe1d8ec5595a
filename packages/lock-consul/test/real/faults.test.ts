import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { type Clock, type ClusterContext, type Lock, type Locks, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer, findProgram, reportAbsent, TcpGate } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { consulLocks } from '../../src/index.ts';

const started = await ConsulServer.start();
if (started === undefined) reportAbsent('consul');
afterAll(async () => started?.[Symbol.asyncDispose]());

const { clock }: { readonly clock: Clock } = nodeSystem();
const TTL_MS = 2_000;
const SESSION_TTL_MS = 1_000;
const SLACK_MS = 3_000;
const LOST_WITHIN_MS = 2 * SESSION_TTL_MS + TTL_MS + SLACK_MS;

async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<number> {
  const start = clock.now();
  while (!(await condition())) {
    if (clock.now() - start > withinMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
    await new Promise((resolve) => void clock.setTimer(2, () => resolve(undefined)));
  }
  return clock.now() - start;
}

/** Nodes with a way to Consul of their own, whose locks of one name are looked at all the time. */
class Scene implements AsyncDisposable {
  readonly #server: ConsulServer;
  readonly #prefix: string;
  readonly #parts: { readonly locks: Locks; readonly gate: TcpGate }[] = [];
  readonly #seen: Lock[] = [];
  readonly #sampling = setInterval(() => this.#sample(), 2);
  #overlaps = 0;

  constructor(server: ConsulServer, prefix: string) {
    this.#server = server;
    this.#prefix = prefix;
  }

  async join(id: string): Promise<{ readonly gate: TcpGate; readonly locks: Locks; lock(): Promise<Lock> }> {
    const gate = await TcpGate.open(this.#server.port);
    const engine = consulEngine({ address: `127.0.0.1:${gate.port}` });
    const self = { id, host: '127.0.0.1', port: 7009 };
    const cluster = { name: 'test', id: undefined, adopt: () => undefined };
    const context = {
      ...nodeSystem(),
      logger: silentLogger,
      self,
      incarnation: 1,
      cluster,
    } as unknown as ClusterContext;
    const locks = consulLocks({ engine, prefix: this.#prefix, sessionTtlMs: SESSION_TTL_MS }).create(context);
    await locks.start();
    this.#parts.push({ locks, gate });
    const lock = async (): Promise<Lock> => {
      const taken = await locks.lock('x', { ttlMs: TTL_MS });
      this.#seen.push(taken);
      return taken;
    };
    return { gate, locks, lock };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { gate } of this.#parts) gate.reopen();
    await Promise.all(this.#parts.map(async ({ locks }) => locks[Symbol.asyncDispose]()));
    await Promise.all(this.#parts.map(async ({ gate }) => gate[Symbol.asyncDispose]()));
    clearInterval(this.#sampling);
    expect(this.#overlaps).toBe(0);
    const tokens = this.#seen.map(({ token }) => token);
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(tokens).size).toBe(tokens.length);
  }

  #sample(): void {
    if (this.#seen.filter((lock) => lock.isValid()).length > 1) this.#overlaps += 1;
  }
}

let prefixes = 0;
function nextPrefix(): string {
  prefixes += 1;
  return `faults-${prefixes}`;
}

describe.skipIf(started === undefined).concurrent('locks on Consul', () => {
  const server = started as ConsulServer;
  const keys = async (prefix: string): Promise<unknown> => server.call('GET', `/v1/kv/${prefix}?keys`).catch(() => []);

  it('a holder that is black-holed loses its lock by itself, before another has it', async () => {
    await using scene = new Scene(server, nextPrefix());
    const [a, b] = [await scene.join('a'), await scene.join('b')];
    const first = await a.lock();
    const waiting = b.lock();
    a.gate.stall();
    await until('the lock ends', () => !first.isValid(), TTL_MS);
    const endedAt = clock.now();
    await waiting;
    expect(clock.now() - endedAt).toBeLessThan(LOST_WITHIN_MS);
    expect(first.signal.aborted).toBe(true);
  });

  it('a key that is deleted while its holder is cut off gives it to nobody as long as that one may hold', async () => {
    await using scene = new Scene(server, 'deleted');
    const [a, b] = [await scene.join('a'), await scene.join('b')];
    const first = await a.lock();
    const waiting = b.lock();
    await until('b waits', async () => (await b.locks.tryLock('x')) === undefined);
    a.gate.stall();
    await server.call('DELETE', '/v1/kv/deleted/x/.lock');
    const late = await scene.join('late');
    expect(await late.locks.tryLock('x', { ttlMs: TTL_MS })).toBeUndefined();
    expect((await waiting).token).toBeGreaterThan(first.token);
    expect(first.isValid()).toBe(false);
  });

  it('a session that is destroyed costs the lock-delay, and no more', async () => {
    await using scene = new Scene(server, 'destroyed');
    const [a, b] = [await scene.join('a'), await scene.join('b')];
    const first = await a.lock();
    const [entry] = (await server.call('GET', '/v1/kv/destroyed/x/.lock')) as readonly { readonly Session: string }[];
    await server.call('PUT', `/v1/session/destroy/${entry?.Session}`);
    const destroyedAt = clock.now();
    await b.lock();
    expect(first.isValid()).toBe(false);
    expect(clock.now() - destroyedAt).toBeLessThan(TTL_MS + SLACK_MS);
  });

  it('leaves nothing in Consul, neither keys nor sessions', async () => {
    const prefix = nextPrefix();
    {
      await using scene = new Scene(server, prefix);
      const [a, b] = [await scene.join('a'), await scene.join('b')];
      for (const each of [a, b, a]) await (await each.lock()).release();
      const other = await a.locks.lock('other');
      // On a busy machine the other may have been idle for long enough to be gone.
      expect(await keys(prefix)).toContain(`${prefix}/other/.lock`);
      await other.release();
    }
    const sessions = async () => {
      const all = (await server.call('GET', '/v1/session/list')) as readonly { readonly Name: string }[];
      return all.filter(({ Name }) => Name.includes(` ${prefix}/`));
    };
    // What is asked of Consul while locks are closed has its time, and may be done after it.
    await expect.poll(() => keys(prefix), { timeout: 10_000 }).toEqual([]);
    await expect.poll(sessions, { timeout: 10_000 }).toEqual([]);
  });

  it('takes any name for a key of its own', async () => {
    const prefix = nextPrefix();
    await using scene = new Scene(server, prefix);
    const { locks } = await scene.join('a');
    const names = [
      'orders/42',
      'a b',
      '..',
      'a//b',
      '/',
      '%',
      'Ä',
      'a/./b',
      '.lock',
      'x/.lock',
      '100%',
      '?keys',
      '\ud800',
    ];
    const held = await Promise.all(names.map((name) => locks.lock(name)));
    expect(held.every((lock) => lock.isValid())).toBe(true);
    expect(await keys(prefix)).toHaveLength(names.length);
    expect(await locks.tryLock('a//b')).toBeUndefined();
    expect(await keys(prefix)).toContain(`${prefix}/orders/42/.lock`);
    await Promise.all(held.map((lock) => lock.release()));
  });

  it('takes turns with `consul lock`, in both directions', async () => {
    const prefix = nextPrefix();
    await using scene = new Scene(server, prefix);
    const a = await scene.join('a');
    const first = await a.lock();
    const args = ['lock', '-http-addr', server.address, '-pass-stdin', `${prefix}/x`, 'echo runs; cat > /dev/null'];
    const child = spawn(findProgram('consul') ?? '', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      let output = '';
      child.stdout.on('data', (data: Buffer) => void (output += String(data)));
      const mine = (name: unknown) => String(name).includes(`'${prefix}/x'`);
      await until('consul lock to ask', async () => {
        const all = (await server.call('GET', '/v1/session/list')) as readonly { readonly Name: string }[];
        return all.some(({ Name }) => mine(Name));
      });
      expect([output, first.isValid()]).toEqual(['', true]);
      await first.release();
      await until('the program to run', () => output === 'runs\n');
      expect(await a.locks.tryLock('x', { ttlMs: TTL_MS })).toBeUndefined();
      const waiting = a.lock();
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
      expect((await waiting).token).toBeGreaterThan(first.token);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
