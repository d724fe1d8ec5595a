import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clock, isClusterError, type System } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { BlockingQuery, consulEngine, consulLeases, consulRecords } from '@quorate/engine-consul';
import { followObjects, kubernetesEngine, kubernetesLeases, kubernetesRecords } from '@quorate/engine-kubernetes';
import type { LeaseEngine } from '@quorate/lease';
import { type Seed, seededRandom } from '@quorate/simulator';
import { ENDLESS, httpLie } from './http-lies.ts';
import { type Lie, LyingServer } from './lying-server.ts';
import { withoutUnhandled } from './watched-rejections.ts';

export type LiedTo = 'consul' | 'kubernetes';

/** One kind of call of an engine, which is to settle soon. */
type Call = (signal: AbortSignal) => Promise<unknown>;

/** How many calls were refused with which code, and how many took what they were told. */
export type EngineFuzzResult = ReadonlyMap<string, number>;

/** What a server that says nothing is given. */
const TIMEOUT_MS = 60;
/** What would go on by itself ends here. */
const LONGEST_MS = 150;
/** What is poured without end takes its time to arrive. */
const POURED_TIMEOUT_MS = 20_000;
const ROUNDS = 2;
const LEASE = { name: 'leader', identity: { nodeId: 'a', incarnation: 1, claim: 1 }, ttlMs: 10_000 } as const;

const RECORD = btoa(JSON.stringify({ quorate: 1, state: 'held', nodeId: 'b', incarnation: 1, claim: 2, ttlMs: 9000 }));
const CONSUL_HEAD = '200 OK\r\nX-Consul-Index: 7\r\nContent-Type: application/json\r\n';
const CONSUL = [
  {
    head: CONSUL_HEAD,
    body: `[{"LockIndex":1,"Key":"leader","Flags":0,"Value":"${RECORD}","Session":"adf4238a-882b-9ddc","CreateIndex":5,"ModifyIndex":7}]`,
  },
  { head: CONSUL_HEAD, body: '{"ID":"adf4238a-882b-9ddc"}' },
  { head: CONSUL_HEAD, body: '{"Results":[{"KV":{"LockIndex":1,"Key":"leader","ModifyIndex":9}}],"Errors":null}' },
  { head: CONSUL_HEAD, body: 'true' },
  { head: '404 Not Found\r\nX-Consul-Index: 3\r\n', body: '' },
  { head: '500 Internal Server Error\r\n', body: 'No cluster leader\n\u001b[2J' },
];

const METADATA = '"metadata":{"name":"leader","namespace":"default","uid":"u1","resourceVersion":"7"}';
const OBJECT = `{"kind":"Lease",${METADATA},"spec":{"holderIdentity":"b.1.2","leaseDurationSeconds":9,"leaseTransitions":3,"acquireTime":"2026-01-01T00:00:00.000000Z","renewTime":"2026-01-01T00:00:00.000000Z"},"data":{"record":"YQ=="},"binaryData":{"record":"YQ=="}}`;
const KUBERNETES = [
  { head: '200 OK\r\n', body: OBJECT },
  { head: '200 OK\r\n', body: `{"kind":"List","metadata":{"resourceVersion":"9","continue":"x"},"items":[${OBJECT}]}` },
  { head: '200 OK\r\n', body: `{"kind":"List","metadata":{"resourceVersion":"9"},"items":[${OBJECT}]}` },
  { head: '200 OK\r\n', body: `{"type":"MODIFIED","object":${OBJECT}}\n{"type":"BOOKMARK","object":{${METADATA}}}\n` },
  {
    head: '200 OK\r\n',
    body: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"x"}}\n',
  },
  {
    head: '409 Conflict\r\n',
    body: '{"kind":"Status","code":409,"reason":"Conflict","message":"changed\\n\\u001b[2J"}',
  },
];

/**
 * An engine whose server lies: each call settles in time, with what it was told or with a `ClusterError` of one line.
 * @throws Error with the seed when a promise was broken
 */
export function runEngineFuzz(seed: Seed, liedTo: LiedTo): Promise<EngineFuzzResult> {
  const random = seededRandom(seed, liedTo);
  const honest = liedTo === 'consul' ? CONSUL : KUBERNETES;
  return run(`${liedTo}, seed ${JSON.stringify(seed)}`, liedTo, () => httpLie(random, honest), TIMEOUT_MS);
}

/** The same with answers that never end, of which each call takes as much as it may. */
export async function runPouredAnswers(liedTo: LiedTo): Promise<EngineFuzzResult> {
  const counts = new Map<string, number>();
  for (const [at, lie] of ENDLESS.entries()) {
    const told = await run(`${liedTo}, endless ${at}`, liedTo, () => lie, POURED_TIMEOUT_MS, 1);
    for (const [code, count] of told) counts.set(code, (counts.get(code) ?? 0) + count);
  }
  return counts;
}

function run(
  what: string,
  liedTo: LiedTo,
  lie: () => Lie,
  timeoutMs: number,
  most = Infinity,
): Promise<EngineFuzzResult> {
  return withoutUnhandled(async () => {
    using server = await LyingServer.start(lie);
    const { clock, random } = nodeSystem();
    await using parts =
      liedTo === 'consul'
        ? consulParts(server.origin, clock, timeoutMs)
        : await kubernetesParts(server.origin, { clock, random }, timeoutMs);
    const counts = new Map<string, number>();
    for (let round = 0; round < Math.min(ROUNDS, most); round += 1) {
      const settled = parts.calls.slice(0, most).map((call) => outcomeOf(call, clock, most === Infinity, what));
      for (const code of await Promise.all(settled)) counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    if ('polluted' in {}) throw new Error(`${what}: the prototype of all objects was changed`);
    return counts;
  });
}

interface Parts extends AsyncDisposable {
  readonly calls: readonly Call[];
}

async function outcomeOf(call: Call, clock: Clock, isShort: boolean, what: string): Promise<string> {
  const controller = new AbortController();
  const timer = clock.setTimer(isShort ? LONGEST_MS : POURED_TIMEOUT_MS, () => controller.abort());
  try {
    await call(controller.signal);
    return 'taken';
  } catch (error) {
    if (!isClusterError(error)) throw new Error(`${what}: not a ClusterError: ${String(error)}`, { cause: error });
    if (/[\p{Cc}\p{Cf}]/u.test(error.message)) throw new Error(`${what}: more than a line`, { cause: error });
    if (error.message.length > 1000) throw new Error(`${what}: a message of ${error.message.length}`, { cause: error });
    return error.code;
  } finally {
    timer.cancel();
  }
}

function consulParts(address: string, clock: Clock, timeoutMs: number): Parts {
  const client = consulEngine({ address, timeoutMs }).open({ clock });
  const records = consulRecords(client, { folder: 'tasks' });
  const leases = consulLeases(client, { keepsKeys: true });
  const query = new BlockingQuery(client, ['kv', 'leader'], { answers: [404], waitMs: 20, timeoutMs });
  return {
    calls: [
      (signal) => client.get(['kv', 'leader'], { signal }),
      (signal) => client.put(['kv', 'leader'], new Uint8Array(3), { signal }),
      (signal) => query.next({ signal }),
      (signal) => records.read('a', { signal }),
      (signal) => records.write('a', new Uint8Array(3), '7', { signal }),
      (signal) => records.remove('a', '7', { signal }),
      ...leaseCalls(leases),
    ],
    [Symbol.asyncDispose]: async () => {
      query[Symbol.dispose]();
      await leases[Symbol.asyncDispose]();
    },
  };
}

async function kubernetesParts(
  server: string,
  system: Pick<System, 'clock' | 'random'>,
  timeoutMs: number,
): Promise<Parts> {
  const serviceAccount = await mkdtemp(path.join(tmpdir(), 'lied-to-'));
  for (const [name, content] of Object.entries({ token: 'token', 'ca.crt': '', namespace: 'default' })) {
    await writeFile(path.join(serviceAccount, name), content);
  }
  const engine = kubernetesEngine({ server, serviceAccount });
  const client = engine.connect(system.clock, { timeoutMs });
  const records = kubernetesRecords(client);
  const leases = kubernetesLeases(system, { engine, timeoutMs }, { waitsWhenAbsent: false });
  const [resource, selection] = [{ version: 'v1', plural: 'configmaps' }, { namespace: 'default' }];
  const object = { metadata: { name: 'a', resourceVersion: '7' } };
  const follower = { listed: () => undefined, changed: () => undefined, confirmed: () => undefined };
  return {
    calls: [
      (signal) => client.get(resource, 'default', 'a', { signal }),
      (signal) => client.list(resource, selection, { limit: 10, signal }),
      (signal) => client.update(resource, 'default', object, { signal }),
      (signal) => followObjects(client, resource, selection, follower, { signal }),
      (signal) => records.read('a', { signal }),
      (signal) => records.write('a', new Uint8Array(3), '7', { signal }),
      ...leaseCalls(leases),
    ],
    [Symbol.asyncDispose]: async () => {
      await leases[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await rm(serviceAccount, { recursive: true });
    },
  };
}

function leaseCalls(leases: LeaseEngine): readonly Call[] {
  const withStore =
    (use: (store: ReturnType<LeaseEngine['open']>, signal: AbortSignal) => Promise<unknown>): Call =>
    async (signal) => {
      const store = leases.open({ ...LEASE, share: { kind: 'exclusive' } });
      try {
        return await use(store, signal);
      } finally {
        await store[Symbol.asyncDispose]();
      }
    };
  return [
    withStore((store, signal) => store.follow(() => undefined, { signal })),
    withStore(async (store, signal) => {
      const taken = await store.acquire({ signal });
      if ('release' in taken) await taken.release({ signal });
    }),
  ];
}
