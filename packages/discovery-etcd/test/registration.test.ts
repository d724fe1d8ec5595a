import { ClusterError, type ClusterNode, type LogLevel } from '@quorate/core';
import type { EtcdClient, EtcdEntry, EtcdLease } from '@quorate/engine-etcd';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { Registration } from '../src/registration.ts';

const KEY = '/quorate/test/nodes/a';
const LEASE_MS = 6_000;
const node: ClusterNode = { id: 'a', host: '10.0.0.1', port: 7_001 };

/** What etcd keeps at one key, and its leases, as the test wants them to fail. */
class KeyInEtcd {
  /** The lease of what is at the key. */
  owner: string | undefined;
  value = '';
  /** What writes wait for, if anything. */
  held: Promise<void> | undefined;
  /** What calls fail with, if any. */
  failure: ClusterError | undefined;
  readonly leases: FakeLease[] = [];

  get client(): EtcdClient {
    const write = (value: Uint8Array, lease: string | undefined) => {
      this.owner = lease;
      this.value = new TextDecoder().decode(value);
    };
    const client: Partial<EtcdClient> = {
      grantLease: async () => {
        this.#failIfDown();
        const lease = new FakeLease(String(this.leases.length + 1), () => {
          if (this.owner === lease.id) this.owner = undefined;
        });
        this.leases.push(lease);
        return lease;
      },
      put: async (_key, value, { lease } = {}) => {
        this.#failIfDown();
        await this.held;
        write(value, lease);
      },
      createIfAbsent: async (_key, value, { lease } = {}) => {
        this.#failIfDown();
        if (this.owner === undefined) write(value, lease);
        return { lease: this.owner, value: new TextEncoder().encode(this.value) } as Partial<EtcdEntry> as EtcdEntry;
      },
    };
    return client as EtcdClient;
  }

  #failIfDown(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

class FakeLease implements EtcdLease {
  readonly id: string;
  readonly ttlMs = LEASE_MS;
  readonly deadline = 0;
  readonly #lost = new AbortController();
  readonly #expire: () => void;
  #isOver = false;

  constructor(id: string, expire: () => void) {
    this.id = id;
    this.#expire = expire;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isValid(): boolean {
    return !this.#isOver && !this.lost.aborted;
  }

  lose(): void {
    this.#expire();
    this.#lost.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#expire();
  }
}

interface Scene {
  readonly world: World;
  readonly etcd: KeyInEtcd;
  readonly registration: Registration;
  readonly lines: readonly string[];
  readonly pass: (ms: number) => Promise<void>;
}

function scene(): Scene {
  const world = createWorld({ seed: 'registration' });
  const host = world.host('a');
  host.start(() => undefined);
  const { clock, random } = host.system;
  const lines: string[] = [];
  const log = (level: LogLevel) => (text: string) => void lines.push(`${level} ${text}`);
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const etcd = new KeyInEtcd();
  const backoff = { baseMs: 500, maxMs: 2_000 };
  const parts = { clock, random, logger, client: etcd.client, key: KEY, leaseMs: LEASE_MS, backoff, source: 'test' };
  const pass = (ms: number) => world.settled(new Promise<void>((resolve) => void world.after(ms, resolve)), ms + 1);
  return { world, etcd, registration: new Registration(parts), lines, pass };
}

const { signal } = new AbortController();

it('is written with a lease, and again with the same when the node changes', async () => {
  const { etcd, registration } = scene();
  await registration.tell(node, signal);
  await registration.tell({ ...node, port: 7_002 }, signal);
  expect(etcd.leases).toHaveLength(1);
  expect(etcd.owner).toBe('1');
  expect(JSON.parse(etcd.value)).toEqual({ format: 1, ...node, port: 7_002 });
});

it('is written anew at once when its lease is lost, and again and again while etcd fails', async () => {
  const { etcd, registration, lines, pass } = scene();
  await registration.tell(node, signal);
  etcd.leases[0]?.lose();
  await pass(1);
  expect(etcd.owner).toBe('2');
  etcd.failure = new ClusterError('DISCONNECTED', 'etcd is gone');
  etcd.leases[1]?.lose();
  await pass(30_000);
  expect(etcd.owner).toBeUndefined();
  const attempts = lines.filter((line) => line.startsWith('warn'));
  expect(attempts.length).toBeGreaterThan(10);
  expect(attempts.length).toBeLessThan(40);
  etcd.failure = undefined;
  await pass(2_000);
  expect(etcd.owner).toBe('3');
  expect(lines.at(-1)).toMatch(/^info .*registered again/u);
});

it('what is told while a lost lease is replaced is what stays', async () => {
  const { etcd, registration, pass } = scene();
  await registration.tell(node, signal);
  const { promise, resolve } = Promise.withResolvers<void>();
  etcd.held = promise;
  etcd.leases[0]?.lose();
  await pass(1);
  const told = registration.tell({ ...node, port: 7_002 }, signal);
  // Had it not to wait for its turn, it would be written first.
  etcd.held = undefined;
  await pass(1);
  resolve();
  await told;
  await pass(1);
  expect(JSON.parse(etcd.value)).toMatchObject({ port: 7_002 });
  expect(etcd.owner).toBe('2');
});

it('comes back within the time of its lease when somebody deleted it', async () => {
  const { etcd, registration, pass } = scene();
  await registration.tell(node, signal);
  etcd.owner = undefined;
  await pass(LEASE_MS - 1);
  expect(etcd.owner).toBeUndefined();
  await pass(2);
  expect(etcd.owner).toBe('1');
});

it('is put right when a write of before came late', async () => {
  const { etcd, registration, pass } = scene();
  await registration.tell(node, signal);
  etcd.value = '{"port":6999}';
  await pass(LEASE_MS + 1);
  expect(JSON.parse(etcd.value)).toMatchObject({ port: 7_001 });
});

it('tells once of somebody else who writes the key, and leaves that there', async () => {
  const { etcd, registration, lines, pass } = scene();
  await registration.tell(node, signal);
  etcd.owner = 'of another';
  await pass(5 * LEASE_MS);
  expect(lines.filter((line) => line.includes('registered by somebody else'))).toHaveLength(1);
  await registration[Symbol.asyncDispose]();
  expect(etcd.owner).toBe('of another');
});

it('ends for good, whatever was under way', async () => {
  const { etcd, registration, lines, pass } = scene();
  await registration.tell(node, signal);
  etcd.failure = new ClusterError('DISCONNECTED', 'etcd is gone');
  etcd.leases[0]?.lose();
  await pass(10);
  await registration[Symbol.asyncDispose]();
  etcd.failure = undefined;
  const told = lines.length;
  await pass(60_000);
  expect(etcd.owner).toBeUndefined();
  expect(lines).toHaveLength(told);
  await expect(registration.tell(node, signal)).rejects.toThrow(/has ended/u);
});
