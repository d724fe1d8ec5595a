import {
  type ClusterContext,
  ClusterError,
  type LeaderElection,
  type Locks,
  silentLogger,
  type System,
} from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { type LeaseEngine, leasedElection, leasedLocks, type LeaseRequest, leaseTimings } from '../src/index.ts';
import { type Outcome, ScriptedStore } from './scripted-store.ts';

/** A node with an engine whose stores do what the test says. */
class Bench {
  readonly world: World;
  readonly stores: ScriptedStore[] = [];
  readonly requests: LeaseRequest[] = [];
  readonly #system: System;
  isEngineClosed = false;
  acquiring: Outcome = {};

  constructor() {
    this.world = createWorld({ seed: 1 });
    const host = this.world.host('a');
    host.start(() => undefined);
    this.#system = host.system;
  }

  election(): LeaderElection {
    const timings = leaseTimings('test', { ttlMs: 1200 });
    return leasedElection('election-test', { open: () => this.#engine(), leaseName: () => 'leader', timings }).create(
      this.#context(),
    );
  }

  locks(maxLocks: number): Locks {
    const parts = { open: () => this.#engine(), leaseName: (_: ClusterContext, lock: string) => `locks/${lock}` };
    return leasedLocks('lock-test', { ...parts, minTtlMs: 500, maxLocks }).create(this.#context());
  }

  settled<T>(promise: Promise<T>, withinMs: number = 100): Promise<T> {
    return this.world.settled(promise, withinMs);
  }

  #engine(): LeaseEngine {
    return {
      supports: { fair: true, shared: true, semaphore: true },
      open: (request) => {
        const store = new ScriptedStore(this.#system.clock);
        store.acquiring = this.acquiring;
        this.requests.push(request);
        this.stores.push(store);
        return store;
      },
      [Symbol.asyncDispose]: async () => {
        this.isEngineClosed = true;
      },
    };
  }

  /** Of it, an election or locks over leases use no more than the machine and the node's name. */
  #context(): ClusterContext {
    const self = { id: 'a', host: 'a', port: 1 };
    return { ...this.#system, logger: silentLogger, self, incarnation: 7 } as unknown as ClusterContext;
  }
}

describe('an election over a lease', () => {
  it('shows who leads by the engine, and of itself its grant alone', async () => {
    const bench = new Bench();
    const election = bench.election();
    await bench.settled(election.start());
    const store = bench.stores[0] as ScriptedStore;
    await bench.world.run(1);
    store.tell(5n, 8n);
    expect(election.leader).toEqual({ nodeId: 'other', token: 5n });
    const grant = await bench.settled(election.campaign());
    expect(election.leader).toEqual({ nodeId: 'a', token: grant.token });
    store.tell(5n, 9n);
    expect(election.leader).toEqual({ nodeId: 'a', token: grant.token });
    store.tell(grant.token, grant.token, 'a');
    await bench.settled(election.resign());
    // What the engine told last is that this node holds it, which it knows better.
    expect(election.leader).toBeUndefined();
    await bench.settled(Promise.resolve(election[Symbol.asyncDispose]()));
    expect(bench.isEngineClosed).toBe(true);
  });

  it('shows nobody while what it took may not be used yet', async () => {
    const bench = new Bench();
    const election = bench.election();
    await bench.settled(election.start());
    const store = bench.stores[0] as ScriptedStore;
    store.unusableMs = 1000;
    const campaign = election.campaign();
    await bench.world.run(100);
    store.tell(11n, 11n, 'a');
    expect(election.leader).toBeUndefined();
    expect(election.leadership).toBeUndefined();
    expect((await bench.settled(campaign, 1000)).token).toBe(11n);
  });

  it('asks as this run of the node', async () => {
    const bench = new Bench();
    await bench.settled(bench.election().start());
    expect(bench.requests).toMatchObject([{ name: 'leader', identity: { nodeId: 'a', incarnation: 7, claim: 0 } }]);
  });

  it('resigns in bounded time though the engine does not answer, and tries on', async () => {
    const bench = new Bench();
    const election = bench.election();
    await bench.settled(election.start());
    const grant = await bench.settled(election.campaign());
    const store = bench.stores[0] as ScriptedStore;
    store.releasing = { hangs: true };
    const resigned = election.resign();
    expect(grant.isValid()).toBe(false);
    await bench.settled(resigned, 410);
    await bench.world.run(1000);
    expect(store.count('release')).toBeGreaterThan(1);
  });
});

describe('locks over leases', () => {
  it('are no more than they may be, and those that were given up count no more', async () => {
    const bench = new Bench();
    const locks = bench.locks(2);
    await bench.settled(locks.start());
    const first = await bench.settled(locks.lock('first'));
    await bench.settled(locks.lock('second'));
    await expect(locks.lock('third')).rejects.toMatchObject({ code: 'OVERLOADED' });
    await bench.settled(first.release());
    await bench.world.run(10);
    await bench.settled(locks.lock('third'));
    expect(new Set(bench.requests.map(({ identity }) => identity.claim)).size).toBe(3);
    expect(bench.requests.map(({ name }) => name)).toEqual(['locks/first', 'locks/second', 'locks/third']);
    await bench.settled(Promise.resolve(locks[Symbol.asyncDispose]()));
    expect(bench.stores.every((store) => store.calls.at(-1) === 'dispose')).toBe(true);
    expect(bench.isEngineClosed).toBe(true);
  });

  it('take no less than the engine can', async () => {
    const bench = new Bench();
    const locks = bench.locks(2);
    await bench.settled(locks.start());
    await bench.settled(locks.lock('quick', { ttlMs: 10 }));
    expect(bench.requests).toMatchObject([{ ttlMs: 500 }]);
  });

  it('are not had by one who asks once when what was taken may not be used yet', async () => {
    const bench = new Bench();
    const locks = bench.locks(2);
    await bench.settled(locks.start());
    const had = locks.tryLock('late');
    const store = bench.stores[0] as ScriptedStore;
    store.unusableMs = 1000;
    expect(await bench.settled(had)).toBeUndefined();
    await bench.world.run(3000);
    expect(store.calls).not.toContain('release');
    expect(store.calls.at(-1)).toBe('dispose');
  });

  it('are waited for where the engine is down, and refused where it says that they are none', async () => {
    const bench = new Bench();
    const locks = bench.locks(2);
    await bench.settled(locks.start());
    bench.acquiring = { fails: new ClusterError('DISCONNECTED', 'down') };
    const waiting = locks.lock('waiting');
    await bench.world.run(5000);
    (bench.stores[0] as ScriptedStore).acquiring = {};
    await bench.settled(waiting, 3000);
    bench.acquiring = { fails: new ClusterError('INVALID_OPTIONS', 'a semaphore') };
    await expect(bench.settled(locks.lock('refused'))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});
