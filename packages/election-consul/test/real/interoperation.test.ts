import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { ConsulServer, findProgram, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { Scene } from './scene.ts';

const started = await ConsulServer.start();
if (started === undefined) reportAbsent('consul');
afterAll(async () => started?.[Symbol.asyncDispose]());

const program = started === undefined ? '' : (findProgram('consul') ?? '');

/** A program that runs under `consul lock`, says so, and ends when its input does. */
class UnderConsulLock implements AsyncDisposable {
  readonly child: ChildProcess;
  output = '';

  constructor(server: ConsulServer, prefix: string) {
    const args = [
      'lock',
      '-http-addr',
      server.address,
      '-pass-stdin',
      '-verbose',
      prefix,
      'echo runs; cat > /dev/null',
    ];
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data: Buffer) => void (this.output += String(data)));
    }
  }

  get runs(): boolean {
    return /^runs$/mu.test(this.output);
  }

  /** Lets the program end, and waits until `consul lock` has given the lock back. */
  async end(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.stdin?.end();
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

describe.skipIf(started === undefined).concurrent('an election beside the tools of Consul', () => {
  const server = started as ConsulServer;
  const lockIndex = async (key: string): Promise<number | undefined> => {
    const [entry] = (await server.call('GET', `/v1/kv/${key}`)) as readonly { readonly LockIndex: number }[];
    return entry?.LockIndex;
  };

  it('takes turns with `consul lock`, in both directions, and tokens grow though its count of locks does not', async () => {
    await using scene = new Scene(server, 'turns/.lock');
    const { a, b, first, second } = await scene.pair();
    await using other = new UnderConsulLock(server, 'turns');
    await scene.until('consul lock to wait', () => other.output.includes('Attempting lock acquisition'));
    expect(other.runs).toBe(false);
    // Whoever waits asks at once: one of them gets it.
    await Promise.all([a.election.resign(), b.election.resign()]);
    await expect(second).rejects.toThrow('resigned');
    await scene.until('the program under consul lock to run', () => other.runs);
    expect(first.isValid()).toBe(false);
    const session = await scene.session();
    await scene.until('a observes it', () => a.election.leader?.nodeId === session);
    const observed = a.election.leader?.token;
    expect(observed).toBeGreaterThan(first.token);
    const next = a.election.campaign();
    await scene.until('a while', () => a.election.leadership === undefined);
    await other.end();
    // It deletes its key when it ends.
    expect((await next).token).toBeGreaterThan(observed ?? Infinity);
    expect(await lockIndex(scene.key)).toBe(1);
  });

  it('is not let in while `consul lock` runs, nor for its lock-delay when that is killed', async () => {
    await using scene = new Scene(server, 'kept/.lock');
    await using other = new UnderConsulLock(server, 'kept');
    await scene.until('the program to run', () => other.runs);
    const a = await scene.join('a');
    const campaign = a.election.campaign();
    campaign.catch(() => undefined);
    const session = await scene.session();
    await scene.until('a observes it', () => a.election.leader?.nodeId === session);
    await server.call('PUT', `/v1/session/destroy/${session}`);
    await scene.until('nobody holds it', () => a.election.leader === undefined);
    const seenAt = scene.clock.now();
    // Its lock-delay is 15 s.
    await scene.until('some time', () => scene.clock.now() > seenAt + 3_000);
    expect(a.election.leadership).toBeUndefined();
    await a.election.resign();
    await expect(campaign).rejects.toThrow('resigned');
  });

  it("contends with programs that use Consul's documented session lock", async () => {
    await using scene = new Scene(server, 'plain/leader');
    const { ID } = (await server.call('PUT', '/v1/session/create', { Name: 'by hand', LockDelay: '0s' })) as {
      readonly ID: string;
    };
    expect(await server.call('PUT', `/v1/kv/${scene.key}?acquire=${ID}`, 'x')).toBe(true);
    await server.call('PUT', `/v1/kv/${scene.key}`, 7);
    const a = await scene.join('a');
    const next = a.election.campaign();
    await scene.until('a observes who calls itself 7', () => a.election.leader?.nodeId === '7');
    expect(a.election.leadership).toBeUndefined();
    await server.call('PUT', `/v1/kv/${scene.key}?release=${ID}`);
    expect((await next).nodeId).toBe('a');
    expect(await server.call('PUT', `/v1/kv/${scene.key}?acquire=${ID}`)).toBe(false);
    await a.election.resign();
    expect(await server.call('PUT', `/v1/kv/${scene.key}?acquire=${ID}`)).toBe(true);
    await scene.until('a observes it', () => a.election.leader?.nodeId === ID);
  });

  it('does not take the record of a semaphore of Consul for a lock', async () => {
    await using scene = new Scene(server, 'semaphore/.lock');
    const flags = String(0xe0f69a2baa414de0n);
    await server.call('PUT', `/v1/kv/${scene.key}?flags=${flags}`, { Limit: 2, Holders: {} });
    const a = await scene.join('a');
    const controller = new AbortController();
    const campaign = a.election.campaign({ signal: controller.signal });
    const seenAt = scene.clock.now();
    await scene.until('some time', () => scene.clock.now() > seenAt + 500);
    controller.abort();
    await expect(campaign).rejects.toThrow();
    const [entry] = (await server.call('GET', `/v1/kv/${scene.key}`)) as readonly { readonly LockIndex: number }[];
    expect(entry?.LockIndex).toBe(0);
  });
});
