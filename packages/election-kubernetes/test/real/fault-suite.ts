import { sleep } from '@quorate/core';
import type { KubernetesServer } from '@quorate/test-servers';
import { afterEach, describe, expect, it } from 'vitest';

import { type Contender, Contenders, QUICK, system, until } from './contenders.ts';
import { ContendingProcess } from './contending-process.ts';
import { deleteLease, makeLease, patchLease, readLease } from './lease-object.ts';

const { clock } = system;
/** After the last sign of life nobody takes over for this long, and then somebody does soon, also on a busy machine. */
const TAKEOVER_MS = { from: QUICK.ttlMs - 600, to: 2 * QUICK.ttlMs };
/** Less than any lease: it was handed over. */
const HANDOVER_MS = 2_000;

export function faultSuite(server: KubernetesServer): void {
  let lease = 0;

  /** Two that stand, the first of which leads, and stands again unless it is told to do so once. */
  async function pair(once = false): Promise<{ contenders: Contenders; first: Contender; second: Contender }> {
    const contenders = new Contenders(server, `fault-${(lease += 1)}`);
    await makeLease(server, contenders.name);
    const [first, second] = [await contenders.add('a'), await contenders.add('b')];
    if (once) contenders.ask(first);
    else contenders.stand(first);
    await contenders.leads(first);
    contenders.stand(second);
    await until('b to see a', () => second.election.leader?.nodeId === 'a');
    return { contenders, first, second };
  }

  describe.concurrent('faults of nodes and of what is between', () => {
    it('a leader whose way is black-holed ends before another begins', async () => {
      const { contenders, first, second } = await pair();
      await using _ = contenders;
      const former = first.election.leadership;
      first.gate.stall();
      const tookMs = await contenders.leads(second);
      expect(former?.isValid()).toBe(false);
      expect(tookMs).toBeGreaterThan(TAKEOVER_MS.from);
      expect(tookMs).toBeLessThan(TAKEOVER_MS.to);
      expect(second.election.leadership?.token).toBeGreaterThan(former?.token ?? 0n);
      first.gate.reopen();
      await until('a to see b', () => first.election.leader?.nodeId === 'b');
      expect(contenders.faults).toEqual([]);
    });

    it('a leader that resigns hands over at once', async () => {
      const { contenders, first, second } = await pair(true);
      await using _ = contenders;
      const resigned = first.election.resign();
      expect(await contenders.leads(second)).toBeLessThan(HANDOVER_MS);
      await resigned;
      expect(contenders.faults).toEqual([]);
    });

    it('a process that stands still beyond its lease finds its grant ended', async () => {
      const contenders = new Contenders(server, `fault-${(lease += 1)}`);
      await using _ = contenders;
      await makeLease(server, contenders.name);
      await using stopped = new ContendingProcess(server, contenders, 'p');
      await stopped.leads();
      const other = await contenders.add('b');
      contenders.stand(other);
      await until('b to see p', () => other.election.leader?.nodeId === 'p');
      stopped.signal('SIGSTOP');
      expect(await contenders.leads(other)).toBeLessThan(TAKEOVER_MS.to);
      const { told } = stopped;
      stopped.signal('SIGCONT');
      await until('p to go on', () => stopped.told > told + 10);
      expect(stopped.isValid).toBe(false);
      expect(other.election.leadership?.token).toBeGreaterThan(stopped.token);
      expect(contenders.faults).toEqual([]);
    });

    it('a leader whose event loop is blocked for longer than its lease, and one that is killed', async () => {
      const contenders = new Contenders(server, `fault-${(lease += 1)}`);
      await using _ = contenders;
      await makeLease(server, contenders.name);
      await using blocked = new ContendingProcess(server, contenders, 'p');
      await blocked.leads();
      const other = await contenders.add('b');
      contenders.ask(other);
      await until('b to see p', () => other.election.leader?.nodeId === 'p');
      blocked.order(`block ${QUICK.ttlMs + 1_500}`);
      expect(await contenders.leads(other)).toBeLessThan(TAKEOVER_MS.to);
      const { told } = blocked;
      await until('p to go on', () => blocked.told > told + 10);
      expect(blocked.isValid).toBe(false);
      const resigned = other.election.resign();
      await blocked.leads(HANDOVER_MS);
      await resigned;
      contenders.ask(other);
      await until('b to see p', () => other.election.leader?.nodeId === 'p');
      blocked.signal('SIGKILL');
      const tookMs = await contenders.leads(other);
      expect(tookMs).toBeGreaterThan(TAKEOVER_MS.from);
      expect(tookMs).toBeLessThan(TAKEOVER_MS.to);
      expect(contenders.faults).toEqual([]);
    });

    it('a wall clock that stands still, and is moved, is of no account', async () => {
      const contenders = new Contenders(server, `fault-${(lease += 1)}`);
      await using _ = contenders;
      await makeLease(server, contenders.name);
      let wallMs = clock.wallTime();
      const ttlMs = 5_000;
      const first = await contenders.add('a', { ttlMs }, { clock: { ...clockOf(), wallTime: () => wallMs } });
      const second = await contenders.add('b', { ttlMs }, { clock: { ...clockOf(), wallTime: () => 1_000 } });
      contenders.stand(first);
      await contenders.leads(first);
      contenders.stand(second);
      const { token } = first.election.leadership ?? {};
      for (const hours of [0, -2, 5]) {
        wallMs += hours * 3_600_000;
        await sleep(clock, hours === 0 ? ttlMs + 500 : 2_000);
        expect(first.election.leadership?.token).toBe(token);
      }
      expect(contenders.faults).toEqual([]);
    });
  });

  describe.concurrent('what others do to the Lease', () => {
    it('deleted: the leader ends, and the next begins only when it must have ended', async () => {
      const { contenders, first, second } = await pair();
      await using _ = contenders;
      const former = first.election.leadership;
      await deleteLease(server, contenders.name);
      await until('the grant to end', () => former?.isValid() === false, 1_000);
      await until('a leader', () => contenders.leader !== undefined, TAKEOVER_MS.to);
      expect(contenders.leader?.election.leadership?.token).toBeGreaterThan(former?.token ?? 0n);
      expect([first, second]).toContain(contenders.leader);
      expect(contenders.faults).toEqual([]);
    });

    it('deleted while the leader is black-holed, and asked for by one that has never seen it', async () => {
      const { contenders, first, second } = await pair();
      await using _ = contenders;
      first.gate.stall();
      await deleteLease(server, contenders.name);
      const fresh = await contenders.add('c');
      contenders.stand(fresh);
      const tookMs = await until(
        'another to lead',
        () => contenders.leader !== undefined && contenders.leader !== first,
      );
      expect(tookMs).toBeLessThan(TAKEOVER_MS.to);
      expect([second, fresh]).toContain(contenders.leader);
      expect(contenders.faults).toEqual([]);
    });

    it('given to somebody else, or to nobody, while the leader is black-holed', async () => {
      const { contenders, first, second } = await pair();
      await using _ = contenders;
      first.gate.stall();
      await patchLease(server, contenders.name, { spec: { holderIdentity: '' } });
      const begun = await contenders.leads(second);
      expect(begun).toBeGreaterThan(QUICK.ttlMs - 1_600);
      expect(begun).toBeLessThan(TAKEOVER_MS.to);
      first.gate.reopen();
      await patchLease(server, contenders.name, { spec: { holderIdentity: 'somebody' } });
      await until('the grant to end', () => contenders.leader === undefined, 1_000);
      await until('somebody to be seen', () => second.election.leader?.nodeId === 'somebody');
      const tookMs = await until('a leader', () => contenders.leader !== undefined);
      expect(tookMs).toBeGreaterThan(TAKEOVER_MS.from);
      expect(tookMs).toBeLessThan(TAKEOVER_MS.to);
      expect(contenders.faults).toEqual([]);
    });

    it('written by others twenty times a second: the leader stays, and keeps what they write', async () => {
      const { contenders, first } = await pair();
      await using _ = contenders;
      const { token } = first.election.leadership ?? {};
      const end = clock.now() + QUICK.ttlMs + 500;
      for (let number = 0; clock.now() < end; number += 1) {
        const annotations = { 'example.com/number': String(number) };
        await patchLease(server, contenders.name, { metadata: { annotations, labels: { of: 'somebody' } } });
        await sleep(clock, 50);
      }
      expect(first.election.leadership?.token).toBe(token);
      const { metadata } = await readLease(server, contenders.name);
      expect(metadata).toMatchObject({
        labels: { of: 'somebody' },
        annotations: { 'example.com/number': expect.any(String) },
      });
      expect(contenders.faults).toEqual([]);
    });
  });

  describe('faults of the API server', () => {
    it('hung for longer than a lease, killed with its history gone, started again', async () => {
      const { contenders, first } = await pair();
      await using _ = contenders;
      const former = first.election.leadership;
      server.api.pause();
      await until('the grant to end', () => former?.isValid() === false, QUICK.ttlMs);
      server.api.resume();
      await until('a leader', () => contenders.leader !== undefined, TAKEOVER_MS.to);
      const next = contenders.leader?.election.leadership;
      expect(next?.token).toBeGreaterThan(former?.token ?? 0n);
      await server.api.kill();
      await server.compact();
      await until('the grant to end', () => next?.isValid() === false, QUICK.ttlMs);
      await server.api.start();
      await until('a leader', () => contenders.leader !== undefined, TAKEOVER_MS.to);
      expect(contenders.faults).toEqual([]);
    });
  });

  afterEach(() => server.api.resume());
}

function clockOf(): typeof clock {
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    defer: (callback) => clock.defer(callback),
  };
}
