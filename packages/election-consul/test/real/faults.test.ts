import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { nodeSystem } from '@quorate/core/node';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { LOST_WITHIN_MS, Scene, timings } from './scene.ts';

const started = await ConsulServer.start();
if (started === undefined) reportAbsent('consul');
afterAll(async () => started?.[Symbol.asyncDispose]());

const SLACK_MS = 3_000;
const PROGRAM = path.join(import.meta.dirname, 'candidate-process.ts');

let keys = 0;
function nextKey(): string {
  keys += 1;
  return `faults/${keys}/.lock`;
}

// Most of the time is spent waiting for leases to run out: all at one time, each with a key of its own.
describe.skipIf(started === undefined).concurrent('an election on Consul', () => {
  const server = started as ConsulServer;

  it('a leader that is black-holed steps down by itself, before another leads', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, first, second } = await scene.pair();
    a.gate.stall();
    const endedMs = await scene.until('the grant ends', () => !first.isValid(), timings.ttlMs);
    expect(endedMs).toBeLessThan(timings.ttlMs);
    const next = await second;
    expect(next.token).toBeGreaterThan(first.token);
    a.gate.reopen();
    await scene.until('a observes b', () => a.election.leader?.nodeId === 'b');
    expect(next.isValid()).toBe(true);
  });

  it('who takes over from a leader that was lost does so within twice the session, and the lock-delay', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, b, second } = await scene.pair();
    a.gate.cut();
    const takenMs = await scene.until('b leads', () => b.election.leadership?.isValid() === true, LOST_WITHIN_MS);
    expect(takenMs).toBeGreaterThan(timings.sessionTtlMs / 2);
    await second;
  });

  it('a leader that resigns hands over at once', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, first, second } = await scene.pair();
    const resignedAt = scene.clock.now();
    await a.election.resign();
    const next = await second;
    expect(scene.clock.now() - resignedAt).toBeLessThan(timings.sessionTtlMs);
    expect(next.token).toBeGreaterThan(first.token);
  });

  it('a session that is destroyed ends the grant; the lock-delay keeps others away while it might hold', async () => {
    await using scene = new Scene(server, nextKey());
    const { first, second } = await scene.pair();
    const destroyedAt = scene.clock.now();
    await server.call('PUT', `/v1/session/destroy/${await scene.session()}`);
    await scene.until('the grant ends', () => !first.isValid(), SLACK_MS);
    await second;
    expect(scene.clock.now() - destroyedAt).toBeGreaterThan(timings.ttlMs * 0.8);
    expect(scene.clock.now() - destroyedAt).toBeLessThan(timings.ttlMs + SLACK_MS);
  });

  it('a session that is destroyed while its leader is cut off costs no more than the lock-delay', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, first, second } = await scene.pair();
    const session = await scene.session();
    a.gate.stall();
    const destroyedAt = scene.clock.now();
    await server.call('PUT', `/v1/session/destroy/${session}`);
    expect((await second).token).toBeGreaterThan(first.token);
    expect(scene.clock.now() - destroyedAt).toBeLessThan(timings.ttlMs + SLACK_MS);
  });

  it('nor does it let one in that comes later and has seen nothing of it', async () => {
    await using scene = new Scene(server, nextKey());
    const a = await scene.join('a');
    const first = await a.election.campaign();
    const { deadline } = first;
    await scene.until('a renewal', () => first.deadline > deadline);
    const session = await scene.session();
    a.gate.stall();
    await server.call('PUT', `/v1/session/destroy/${session}`);
    const late = await scene.join('late');
    expect((await late.election.campaign()).token).toBeGreaterThan(first.token);
    expect(first.isValid()).toBe(false);
  });

  it('a key that is deleted ends the grant, and there is a leader again', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, b, first } = await scene.pair();
    const again = (): void => void a.election.campaign().catch(() => undefined);
    first.signal.addEventListener('abort', again);
    await server.call('DELETE', `/v1/kv/${scene.key}`);
    await scene.until('the grant ends', () => !first.isValid(), SLACK_MS);
    const leads = () => [a, b].some(({ election }) => election.leadership?.isValid() === true);
    await scene.until('somebody leads', leads, timings.ttlMs + SLACK_MS);
    const [grant] = [a, b].flatMap(({ election }) => election.leadership ?? []);
    expect(grant?.token).toBeGreaterThan(first.token);
  });

  it('a key that is deleted while its leader is cut off gives nobody a grant as long as that one may hold', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, first, second } = await scene.pair();
    a.gate.stall();
    const deletedAt = scene.clock.now();
    await server.call('DELETE', `/v1/kv/${scene.key}`);
    expect((await second).token).toBeGreaterThan(first.token);
    expect(first.isValid()).toBe(false);
    expect(scene.clock.now() - deletedAt).toBeGreaterThan(timings.ttlMs - 100);
    expect(scene.clock.now() - deletedAt).toBeLessThan(timings.ttlMs + SLACK_MS);
  });

  it('nor does it to one that comes later and has seen nothing of it', async () => {
    await using scene = new Scene(server, nextKey());
    const a = await scene.join('a');
    const first = await a.election.campaign();
    const { deadline } = first;
    await scene.until('a renewal', () => first.deadline > deadline);
    a.gate.stall();
    await server.call('DELETE', `/v1/kv/${scene.key}`);
    const late = await scene.join('late');
    expect((await late.election.campaign()).token).toBeGreaterThan(first.token);
    expect(first.isValid()).toBe(false);
  });

  it('nor does it when the session is destroyed after it, to who saw the leader', async () => {
    await using scene = new Scene(server, nextKey());
    const { a, first, second } = await scene.pair();
    const session = await scene.session();
    a.gate.stall();
    await server.call('DELETE', `/v1/kv/${scene.key}`);
    await server.call('PUT', `/v1/session/destroy/${session}`);
    expect((await second).token).toBeGreaterThan(first.token);
    expect(first.isValid()).toBe(false);
  });

  it('what an operator writes into the key changes nothing', async () => {
    await using scene = new Scene(server, nextKey());
    const { b, first } = await scene.pair();
    await server.call('PUT', `/v1/kv/${scene.key}`, 'some note');
    const { deadline } = first;
    await scene.until('two renewals', () => first.deadline > deadline + timings.ttlMs / 4);
    expect(first.isValid()).toBe(true);
    expect(b.election.leader?.token).toBe(first.token);
  });

  it('a wall clock that is moved moves no grant', async () => {
    await using scene = new Scene(server, nextKey());
    const { clock, ...others } = nodeSystem();
    let offMs = 0;
    const wallTime = () => clock.wallTime() + offMs;
    const moved = {
      ...clock,
      now: () => clock.now(),
      setTimer: clock.setTimer.bind(clock),
      defer: clock.defer.bind(clock),
      wallTime,
    };
    const a = await scene.join('a', { system: { ...others, clock: moved } });
    const first = await a.election.campaign();
    for (const ms of [86_400_000, -86_400_000]) {
      offMs = ms;
      const { deadline } = first;
      await scene.until('renewals', () => first.deadline > deadline + timings.ttlMs / 2);
      expect(first.isValid()).toBe(true);
    }
  });

  it('another run of a node does not have the lease of the one before, but ends its session', async () => {
    await using scene = new Scene(server, nextKey());
    const a = await scene.join('a', { incarnation: 1 });
    const first = await a.election.campaign();
    const { deadline } = first;
    await scene.until('a renewal', () => first.deadline > deadline);
    // As if it had been killed, but that it looks at its grant.
    a.gate.stall();
    const startedAt = scene.clock.now();
    const again = await scene.join('a', { incarnation: 2 });
    const next = await again.election.campaign();
    expect(next.token).toBeGreaterThan(first.token);
    expect(first.isValid()).toBe(false);
    expect(scene.clock.now() - startedAt).toBeGreaterThan(timings.ttlMs);
  });

  for (const [fault, stop, wake] of [
    ['is stopped', (child: ChildProcess) => child.kill('SIGSTOP'), (child: ChildProcess) => child.kill('SIGCONT')],
    ['is blocked', (child: ChildProcess) => child.stdin?.write('block 6000\n'), () => undefined],
  ] as const) {
    it(`a leader whose process ${fault} for longer than its lease leads no more when it goes on`, async () => {
      await using scene = new Scene(server, nextKey());
      const child = spawn(process.execPath, ['--conditions=@quorate/source', PROGRAM, server.address, scene.key], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      try {
        const times = new Map<string, bigint>();
        createInterface({ input: child.stdout }).on('line', (line) => {
          const [word = '', time = '0'] = line.split(' ');
          times.set(word, BigInt(time));
        });
        await scene.until('the process leads', () => times.has('granted'));
        const b = await scene.join('b');
        const second = b.election.campaign();
        await scene.until('b observes it', () => b.election.leader?.nodeId === 'process');
        stop(child);
        await second;
        const takenAt = process.hrtime.bigint();
        wake(child);
        await scene.until('the process looks at its grant', () => times.has('over'));
        // Not once since it went on.
        expect(times.get('valid')).toBeLessThan(takenAt);
        expect(b.election.leadership?.isValid()).toBe(true);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }
});

describe.skipIf(started === undefined).concurrent('an election on a Consul that fails', () => {
  it('the agent is killed and comes back: there is one leader again', async () => {
    await using server = (await ConsulServer.start()) as ConsulServer;
    await using scene = new Scene(server, nextKey());
    const { a, b, first } = await scene.pair();
    await server.kill();
    await scene.until('the grant ends', () => !first.isValid(), timings.ttlMs);
    await server.restart();
    void a.election.campaign().catch(() => undefined);
    const leads = () => [a, b].some(({ election }) => election.leadership?.isValid() === true);
    const tookMs = await scene.until('somebody leads', leads, LOST_WITHIN_MS);
    expect(tookMs).toBeLessThan(LOST_WITHIN_MS);
    const [grant] = [a, b].flatMap(({ election }) => election.leadership ?? []);
    expect(grant?.token).toBeGreaterThan(first.token);
  });

  it('the agent hangs: the grant ends in time, and goes on to somebody when it answers', async () => {
    await using server = (await ConsulServer.start()) as ConsulServer;
    await using scene = new Scene(server, nextKey());
    const { a, b, first } = await scene.pair();
    server.pause();
    try {
      await scene.until('the grant ends', () => !first.isValid(), timings.ttlMs);
    } finally {
      server.resume();
    }
    void a.election.campaign().catch(() => undefined);
    const leads = () => [a, b].some(({ election }) => election.leadership?.isValid() === true);
    await scene.until('somebody leads', leads, LOST_WITHIN_MS);
  });

  it('the agent is away for a moment: the leader stays', async () => {
    await using server = (await ConsulServer.start()) as ConsulServer;
    await using scene = new Scene(server, nextKey());
    const { first } = await scene.pair();
    server.pause();
    const pausedAt = scene.clock.now();
    await scene.until('a moment', () => scene.clock.now() > pausedAt + timings.ttlMs / 4);
    server.resume();
    const { deadline } = first;
    await scene.until('a renewal', () => first.deadline > deadline);
    expect(first.isValid()).toBe(true);
  });
});
