import { sleep } from '@quorate/core';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { system, TAKEN_OVER_MS, TTL_MS, until } from './electing.ts';
import { ElectingProcess, type Look } from './electing-process.ts';

const started = await EtcdCluster.start();
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());

const STARTED_MS = 15_000;

/** All looks of both in the order of the machine's clock: in no interval in which one held its grant did the other. */
function expectOneAtATime(a: readonly Look[], b: readonly Look[]): void {
  for (const [ours, theirs] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const { token, from, to } of termsOf(ours)) {
      const within = theirs.find((look) => look.token !== undefined && look.at >= from && look.at <= to);
      expect(within, `while ${token} was valid, from ${from} to ${to}`).toBeUndefined();
    }
  }
}

/** From the first look at which a grant was valid to the last. */
function termsOf(looks: readonly Look[]) {
  const terms = new Map<bigint, { readonly token: bigint; readonly from: bigint; to: bigint }>();
  for (const { token, at } of looks) {
    if (token === undefined) continue;
    const term = terms.get(token);
    if (term === undefined) terms.set(token, { token, from: at, to: at });
    else term.to = at;
  }
  return [...terms.values()];
}

describe.skipIf(started === undefined)('leaders in processes of their own', () => {
  const endpoint = started?.endpoints[0] ?? '';

  async function leaderAndOther(name: string) {
    const a = new ElectingProcess(endpoint, name, 'a');
    await until('a to lead', () => a.leads, STARTED_MS);
    const b = new ElectingProcess(endpoint, name, 'b');
    await until('b to stand', async () => ((await started?.keys(`${name}/`)) ?? []).length === 2, STARTED_MS);
    return { a, b };
  }

  it('one that stands still beyond its lease finds its grant ended when it goes on', async () => {
    const { a, b } = await leaderAndOther('/stopped');
    await using _a = a;
    await using _b = b;
    a.signal('SIGSTOP');
    const stoppedAt = system.clock.now();
    await until('b to lead', () => b.leads);
    expect(system.clock.now() - stoppedAt).toBeLessThan(TAKEN_OVER_MS);
    const continuedAt = process.hrtime.bigint();
    a.signal('SIGCONT');
    // One that it was stopped in the middle of is of before.
    const looksSince = () => a.looks.filter(({ at }) => at >= continuedAt);
    await until('a to look again', () => looksSince().length > 20);
    expect(looksSince().filter(({ token }) => token !== undefined)).toEqual([]);
    expectOneAtATime(a.looks, b.looks);
  });

  it('one whose event loop is blocked beyond its lease knows it before anything else of it runs', async () => {
    const { a, b } = await leaderAndOther('/blocked');
    await using _a = a;
    await using _b = b;
    a.tell(`block ${TTL_MS + 3_500}`);
    await until('b to lead', () => b.leads);
    const seen = a.looks.length;
    await until('a to look again', () => a.looks.length > seen);
    expect(a.looks[seen]?.token).toBeUndefined();
    await sleep(system.clock, 50);
    expectOneAtATime(a.looks, b.looks);
  });

  it('one that is killed is followed when its lease is over, and one that resigns at once', async () => {
    const { a, b } = await leaderAndOther('/killed');
    await using _a = a;
    await using _b = b;
    a.signal('SIGKILL');
    const killedAt = system.clock.now();
    await until('b to lead', () => b.leads);
    // Two terms of the lease would show that its end was taken for a deletion.
    expect(system.clock.now() - killedAt).toBeLessThan(TTL_MS + 1_500);
    await using c = new ElectingProcess(endpoint, '/killed', 'c');
    await until('c to stand', async () => ((await started?.keys('/killed/')) ?? []).length === 2, STARTED_MS);
    b.tell('resign');
    const resignedAt = system.clock.now();
    await until('c to lead', () => c.leads);
    expect(system.clock.now() - resignedAt).toBeLessThan(1_000);
    expectOneAtATime(b.looks, c.looks);
  });
});
