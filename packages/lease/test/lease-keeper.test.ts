import { type Clock, ClusterError, type Grant, type Logger, silentLogger } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { LeaseKeeper } from '../src/lease-keeper.ts';
import type { LeaseInstruments } from '../src/lease-instruments.ts';
import { leaseTimings } from '../src/lease-timings.ts';
import { LeaseOutage, Outage } from '../src/outage.ts';
import { ScriptedStore } from './scripted-store.ts';

/** Renewed every 160 to 200 ms, valid for 960, each call at most 200. */
const timings = leaseTimings('test', { ttlMs: 1200 });
const reason = new ClusterError('ABORTED', 'enough');
const down = new ClusterError('DISCONNECTED', 'nobody is there');

/** A keeper on a machine of its own. */
class Bench {
  readonly world: World;
  readonly host: Host;
  readonly clock: Clock;
  readonly store: ScriptedStore;
  readonly keeper: LeaseKeeper;
  readonly grants: Grant[] = [];
  readonly ended: string[] = [];
  readonly logged: string[] = [];
  refusals = 0;
  /** In seconds; and how many grants began and ended. */
  readonly renewed: number[] = [];
  readonly unrenewed: number[] = [];
  begun = 0;
  over = 0;
  readonly measured: LeaseInstruments = {
    renewed: { isEnabled: true, record: (seconds) => this.renewed.push(seconds) },
    failed: { isEnabled: true, record: (seconds) => this.unrenewed.push(seconds) },
    grants: { add: (count) => (this.begun += count) },
    ends: { add: (count) => (this.over += count) },
  };

  constructor() {
    this.world = createWorld({ seed: 1 });
    this.host = this.world.host('a', { offsetMs: 0 });
    this.host.start(() => undefined);
    const { clock, random } = this.host.system;
    this.clock = clock;
    this.store = new ScriptedStore(clock);
    const logger: Logger = {
      ...silentLogger,
      warn: (text) => this.logged.push(text),
      info: (text) => this.logged.push(text),
    };
    const outage = new LeaseOutage(new Outage(logger, 'test'));
    this.keeper = new LeaseKeeper(
      { clock, random, logger, nodeId: 'a', timings, outage, instruments: this.measured },
      this.store,
      { exclusive: true },
      {
        began: (grant) => this.grants.push(grant),
        ended: (why) => this.ended.push(why.code),
        refused: () => (this.refusals += 1),
        failed: () => undefined,
        observed: () => undefined,
      },
    );
  }

  get grant(): Grant | undefined {
    return this.keeper.grant;
  }

  async run(ms: number): Promise<void> {
    await this.world.run(ms);
  }

  async granted(): Promise<Grant> {
    this.keeper.stand();
    await this.world.runUntil(() => this.grant !== undefined, 2000);
    return this.grant as Grant;
  }
}

describe('what is measured', () => {
  it('is how long renewals took, those that failed by themselves, and grants as they come and go', async () => {
    const bench = new Bench();
    await bench.granted();
    expect([bench.begun, bench.over]).toEqual([1, 0]);
    bench.store.renewing = { afterMs: 50 };
    await bench.run(500);
    expect(bench.renewed.length).toBeGreaterThan(1);
    expect(bench.renewed.at(-1)).toBeCloseTo(0.05, 3);
    expect(bench.unrenewed).toEqual([]);
    bench.store.renewing = { fails: down };
    await bench.run(3000);
    expect(bench.unrenewed.length).toBeGreaterThan(1);
    expect(bench.over).toBeGreaterThan(0);
    expect(bench.over).toBe(bench.ended.length);
  });
});

describe('a grant', () => {
  it('counts from when it was asked for, not from the answer', async () => {
    const bench = new Bench();
    bench.store.acquiring = { afterMs: 150 };
    const askedAt = bench.clock.now();
    const grant = await bench.granted();
    expect(grant.deadline).toBe(askedAt + timings.validForMs);
  });

  it('is renewed from when the renewal was sent', async () => {
    const bench = new Bench();
    const grant = await bench.granted();
    bench.store.renewing = { afterMs: 150 };
    const before = grant.deadline;
    await bench.world.runUntil(() => bench.store.count('renew') === 1, 1000);
    const sentAt = bench.clock.now();
    await bench.world.runUntil(() => grant.deadline > before, 1000);
    expect(grant.deadline).toBe(sentAt + timings.validForMs);
  });

  it('outlives a renewal that is never answered, though the call does not obey its signal', async () => {
    const bench = new Bench();
    const grant = await bench.granted();
    bench.store.renewing = { hangs: true, deaf: true };
    await bench.world.runUntil(() => bench.store.count('renew') === 1, 1000);
    bench.store.renewing = {};
    await bench.run(3000);
    expect(grant.isValid()).toBe(true);
    expect(bench.ended).toEqual([]);
  });

  it('ends when nothing is answered any more, and the lease is given back', async () => {
    const bench = new Bench();
    const grant = await bench.granted();
    bench.store.renewing = { fails: down };
    await bench.run(timings.validForMs);
    expect(grant.isValid()).toBe(false);
    expect(grant.signal.aborted).toBe(true);
    expect(bench.ended).toEqual(['QUORUM_LOST']);
    expect(bench.store.count('release')).toBe(1);
  });

  it('is not revived by an answer that comes after its end', async () => {
    const bench = new Bench();
    const grant = await bench.granted();
    bench.store.renewing = { fails: down };
    await bench.run(grant.deadline - 300 - bench.clock.now());
    const tried = bench.store.count('renew');
    bench.store.renewing = { afterMs: 5 };
    await bench.world.runUntil(() => bench.store.count('renew') > tried, 240);
    // The event loop stands still: the answer, which is good for long, is looked at when the grant is over.
    bench.host.stall(400);
    await bench.run(401);
    expect(bench.ended).toEqual(['QUORUM_LOST']);
    await bench.run(2000);
    expect(grant.isValid()).toBe(false);
    expect(bench.grants.length).toBeGreaterThan(1);
    expect(new Set(bench.grants.map(({ token }) => token)).size).toBe(bench.grants.length);
  });

  it('ends at once when the engine says that the lease is over', async () => {
    const bench = new Bench();
    await bench.granted();
    bench.store.renewing = { fails: new ClusterError('NOT_FOUND', 'there is no such lease') };
    bench.store.isTaken = true;
    await bench.run(timings.renewEveryMs + 1);
    expect(bench.ended).toEqual(['NOT_FOUND']);
    expect(bench.logged).toEqual([]);
  });

  it('ends when the engine tells of another holder, or of none, and not when it tells of what was before', async () => {
    for (const other of [20n, undefined]) {
      const bench = new Bench();
      const grant = await bench.granted();
      bench.keeper.follow();
      await bench.run(1);
      bench.store.tell(other, 10n);
      expect(grant.isValid()).toBe(true);
      bench.store.tell(11n, 11n);
      expect(grant.isValid()).toBe(true);
      bench.store.isTaken = true;
      bench.store.tell(other, 12n);
      expect(grant.isValid()).toBe(false);
      expect(bench.ended).toEqual(['NOT_LEADER']);
    }
  });

  it('does not begin with a token that another one had', async () => {
    const bench = new Bench();
    await bench.granted();
    bench.store.token = 9n;
    bench.store.tell(undefined, 12n);
    bench.store.renewing = { fails: new ClusterError('NOT_FOUND', 'over') };
    await bench.world.runUntil(() => bench.grants.length === 2, 5000);
    expect(bench.grants.map(({ token }) => token)).toEqual([11n, 12n]);
    // Two that it had to give back, and the first grant's.
    expect(bench.store.count('release')).toBe(3);
  });
});

describe('what may not be used yet', () => {
  it('is renewed until it may, and then granted', async () => {
    const bench = new Bench();
    bench.store.unusableMs = 3000;
    bench.keeper.stand();
    await bench.run(2999);
    expect(bench.grants).toEqual([]);
    await bench.run(10);
    expect(bench.grant?.isValid()).toBe(true);
    expect(bench.store.count('renew')).toBeGreaterThan(10);
    expect(bench.refusals).toBe(1);
  });

  it('is given back when nobody wants it any more, but not before', async () => {
    const bench = new Bench();
    bench.store.unusableMs = 3000;
    bench.keeper.stand();
    await bench.run(1000);
    bench.keeper.withdraw(reason);
    await bench.run(1990);
    expect(bench.store.count('release')).toBe(0);
    await bench.run(20);
    expect(bench.store.count('release')).toBe(1);
    expect(bench.grants).toEqual([]);
  });

  it('is left to run out when it seems to be lost, and then asked for anew', async () => {
    const bench = new Bench();
    bench.store.unusableMs = 3000;
    bench.keeper.follow();
    bench.keeper.stand();
    await bench.run(500);
    bench.store.tell(undefined, 12n);
    await bench.run(100);
    expect(bench.store.count('release')).toBe(0);
    expect(bench.store.count('acquire')).toBe(2);
  });

  it('is left to run out when the keeper is disposed of', async () => {
    const bench = new Bench();
    bench.store.unusableMs = 3000;
    bench.keeper.stand();
    await bench.run(1000);
    await bench.world.settled(bench.keeper[Symbol.asyncDispose](), 1000);
    const renewed = bench.store.count('renew');
    await bench.run(5000);
    expect(bench.store.count('release')).toBe(0);
    expect(bench.store.count('renew')).toBe(renewed);
  });
});

describe('giving up', () => {
  it('gives back what comes when nobody wants it any more', async () => {
    const bench = new Bench();
    bench.store.acquiring = { afterMs: 100, deaf: true };
    bench.keeper.stand();
    await bench.run(50);
    bench.keeper.withdraw(reason);
    await bench.world.settled(bench.keeper.settled(), 1000);
    expect(bench.store.calls).toEqual(['acquire', 'release']);
    expect(bench.grants).toEqual([]);
  });

  it('withdraws a call that is under way', async () => {
    const bench = new Bench();
    bench.store.acquiring = { hangs: true };
    bench.keeper.stand();
    await bench.run(50);
    bench.keeper.withdraw(reason);
    await bench.world.settled(bench.keeper.settled(), 10);
    expect(bench.store.calls).toEqual(['acquire', 'withdraw']);
  });

  it('ends the grant before it gives back the lease', async () => {
    const bench = new Bench();
    const grant = await bench.granted();
    bench.keeper.withdraw(reason);
    expect(grant.isValid()).toBe(false);
    expect(grant.signal.reason).toBe(reason);
    await bench.world.settled(bench.keeper.settled(), 10);
    expect(bench.store.calls.at(-1)).toBe('release');
  });

  it('tries again where the engine does not take it back, for as long as it has it', async () => {
    const bench = new Bench();
    await bench.granted();
    bench.store.releasing = { fails: down };
    bench.keeper.withdraw(reason);
    const settled = bench.keeper.settled().catch((error: unknown) => error);
    expect(await bench.world.settled(settled, 1000)).toMatchObject({ code: 'TIMEOUT' });
    await bench.run(2 * timings.ttlMs);
    const tried = bench.store.count('release');
    expect(tried).toBeGreaterThan(3);
    await bench.run(5000);
    expect(bench.store.count('release')).toBe(tried);
    bench.store.releasing = {};
    expect((await bench.granted()).token).toBe(12n);
  });

  it('ends in bounded time whatever hangs', async () => {
    const bench = new Bench();
    await bench.granted();
    bench.store.releasing = { hangs: true, deaf: true };
    await bench.world.settled(bench.keeper[Symbol.asyncDispose](), 4 * timings.callTimeoutMs + 10);
    expect(bench.store.calls.at(-1)).toBe('dispose');
  });
});

describe('waiting', () => {
  it('asks again when the engine tells of a change', async () => {
    const bench = new Bench();
    bench.store.isTaken = true;
    bench.keeper.stand();
    await bench.run(300);
    bench.store.tell(20n, 20n);
    await bench.run(100);
    expect(bench.grants).toEqual([]);
    const asked = bench.store.count('acquire');
    bench.store.isTaken = false;
    await bench.run(100);
    expect(bench.store.count('acquire')).toBe(asked);
    bench.store.tell(undefined, 21n);
    await bench.run(25);
    expect(bench.grant?.isValid()).toBe(true);
  });

  it('asks no more often than every 20 ms, whatever the engine tells', async () => {
    const bench = new Bench();
    bench.store.isTaken = true;
    bench.keeper.stand();
    for (let revision = 20n; revision < 220n; revision += 1n) {
      await bench.run(1);
      bench.store.tell(undefined, revision);
    }
    expect(bench.store.count('acquire')).toBeLessThanOrEqual(11);
  });

  it('tells of an outage once, and of its end once', async () => {
    const bench = new Bench();
    bench.store.acquiring = { fails: down };
    bench.store.following = { fails: down };
    bench.keeper.follow();
    bench.keeper.stand();
    await bench.run(10_000);
    expect(bench.store.count('acquire')).toBeGreaterThan(20);
    expect(bench.logged).toHaveLength(1);
    bench.store.acquiring = {};
    bench.store.following = {};
    await bench.run(2000);
    bench.store.tell(11n, 11n);
    expect(bench.grant?.isValid()).toBe(true);
    expect(bench.logged).toEqual([expect.stringContaining('nobody is there'), 'test: the engine answers']);
  });
});
