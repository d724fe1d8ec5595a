import { sleep } from '@quorate/core';
import type { KubernetesPrograms, KubernetesServer } from '@quorate/test-servers';
import { describe, expect, it } from 'vitest';

import { Contenders, QUICK, system, until } from './contenders.ts';
import { GoProgram } from './go-program.ts';
import { makeLease, readLease } from './lease-object.ts';

const { clock } = system;
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u;

export function interoperationSuite(server: KubernetesServer, { elect }: KubernetesPrograms): void {
  let lease = 0;
  const contention = async (): Promise<Contenders> => {
    const contenders = new Contenders(server, `shared-${(lease += 1)}`);
    await makeLease(server, contenders.name);
    return contenders;
  };

  it('writes the record as client-go does, from taking it to giving it back', async () => {
    await using contenders = await contention();
    const first = await contenders.add('node_1.x');
    contenders.ask(first);
    await contenders.leads(first);
    const taken = await readLease(server, contenders.name);
    expect(taken['spec']).toEqual({
      holderIdentity: expect.stringMatching(/^node_1\.x_\d+-0$/u),
      leaseDurationSeconds: 3,
      leaseTransitions: 1,
      acquireTime: expect.stringMatching(MICRO_TIME),
      renewTime: (taken['spec'] as Record<string, unknown>)['acquireTime'],
    });
    const { deadline } = first.election.leadership ?? { deadline: 0 };
    await until('a renewal', () => (first.election.leadership?.deadline ?? 0) > deadline);
    const renewed = await readLease(server, contenders.name);
    expect(renewed['spec']).toEqual({
      ...(taken['spec'] as object),
      renewTime: expect.stringMatching(MICRO_TIME),
    });
    await first.election.resign();
    expect((await readLease(server, contenders.name))['spec']).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 1,
    });
  });

  describe.skipIf(elect === undefined)('with a Go program that stands by client-go', { concurrent: true }, () => {
    it('observes it, and takes over at once when it gives the Lease back, or after its lease when it is killed', async () => {
      await using contenders = await contention();
      const identity = 'ip-10-0-0-1_5c6e31c2-6b0e-4c0e-9d3c-2a4b8d8e9f10';
      await using go = new GoProgram(String(elect), server, contenders.name, identity, contenders.samplesOf('go'));
      await go.leads();
      const node = await contenders.add('n');
      contenders.ask(node);
      await until('the Go program to be seen', () => node.election.leader?.nodeId === identity);
      await sleep(clock, QUICK.ttlMs + 500);
      expect([go.isLeading, node.election.leadership]).toEqual([true, undefined]);
      await go.end('SIGTERM');
      expect(await contenders.leads(node)).toBeLessThan(2_000);
      await node.election.resign();
      await using other = new GoProgram(String(elect), server, contenders.name, 'again', contenders.samplesOf('again'));
      await other.leads();
      contenders.ask(node);
      await until('it to be seen', () => node.election.leader?.nodeId === 'again');
      await other.end('SIGKILL');
      const tookMs = await contenders.leads(node);
      expect(tookMs).toBeGreaterThan(QUICK.ttlMs - 600);
      expect(tookMs).toBeLessThan(2 * QUICK.ttlMs);
      expect(contenders.faults.filter((fault) => !fault.startsWith('token 0'))).toEqual([]);
    });

    it('keeps it waiting while it leads, whatever its wall clock says, and lets it have the Lease after', async () => {
      await using contenders = await contention();
      const wallMs = clock.wallTime();
      const still = { now: () => clock.now(), wallTime: () => wallMs };
      const node = await contenders.add('n', {}, { clock: { ...timersOf(), ...still } });
      contenders.ask(node);
      await contenders.leads(node);
      const { token } = node.election.leadership ?? {};
      await using go = new GoProgram(String(elect), server, contenders.name, 'go', contenders.samplesOf('go'));
      await until('the Go program to see the node', () => go.leader?.startsWith('n_') === true);
      await sleep(clock, 2 * QUICK.ttlMs);
      expect([go.isLeading, node.election.leadership?.token]).toEqual([false, token]);
      await node.election.resign();
      expect(await go.leads()).toBeLessThan(2_500);
      await go.end('SIGTERM');
      contenders.ask(node);
      await contenders.leads(node);
      await using second = new GoProgram(
        String(elect),
        server,
        contenders.name,
        'second',
        contenders.samplesOf('second'),
      );
      await until('the Go program to see the node', () => second.leader?.startsWith('n_') === true);
      node.gate.stall();
      const tookMs = await second.leads();
      expect(tookMs).toBeGreaterThan(QUICK.ttlMs - 1_600);
      expect(tookMs).toBeLessThan(2 * QUICK.ttlMs);
      expect(node.election.leadership?.isValid() ?? false).toBe(false);
      expect(contenders.faults.filter((fault) => !fault.startsWith('token 0'))).toEqual([]);
    });
  });
}

function timersOf(): Pick<typeof clock, 'setTimer' | 'defer'> {
  return {
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    defer: (callback) => clock.defer(callback),
  };
}
