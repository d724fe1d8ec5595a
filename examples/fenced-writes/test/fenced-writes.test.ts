import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { type Cluster, createCluster, formatAddress } from '@quorate/core';
import { raftLocks } from '@quorate/lock-raft';
import { fileStorage } from '@quorate/storage-file';
import { RedisServer, reportAbsent } from '@quorate/test-servers';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, fencedService } from '../src/http.ts';
import { openStore } from '../src/open-store.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'quorate-fenced-'));
const redis = await RedisServer.start();
if (redis === undefined) reportAbsent('redis-server');
const service = await fencedService();
const children: ChildProcess[] = [];
let keeper: Cluster;

beforeAll(async () => {
  const storage = fileStorage({ directory: path.join(folder, 'keeper') });
  const locks = raftLocks({ voters: ['keeper'], profile: 'fast' });
  const options = {
    name: 'accounts',
    nodeId: 'keeper',
    bind: '127.0.0.1:0',
    transport: tcpTransport(),
    storage,
    locks,
  };
  keeper = await createCluster({ ...options, logLevel: 'silent' }).start();
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await keeper.stop();
  service.close();
  await redis?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const stores: readonly (readonly [kind: string, place: string, isThere: boolean])[] = [
  ['sql', path.join(folder, 'accounts.db'), true],
  ['redis', String(redis?.port), redis !== undefined],
  ['http', addressOf(service), true],
];

describe.each(stores)('a store behind a fence: %s', (kind, place, isThere) => {
  it.skipIf(!isThere)(
    'takes what is as new as what it has, whatever the size of the tokens, and nothing older',
    async () => {
      const store = await openStore(kind, place);
      const tokens = [1n, 9n, 10n, 10n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n];
      for (const token of tokens) await store.write('sizes', `with ${token}`, token);
      for (const token of [2n ** 62n - 1n, 2n ** 53n + 1n, 9n]) {
        await expect(store.write('sizes', 'late', token)).rejects.toMatchObject({ code: 'STALE_TOKEN' });
      }
      expect(await store.read('sizes')).toBe(`with ${2n ** 62n}`);
      expect(await store.read('nothing')).toBe(undefined);
      await store.close();
    },
  );

  it.skipIf(!isThere)('refuses what a holder writes that was paused for longer than its lock lasts', async () => {
    const worker = start(kind, place);
    await worker.says('holds the lock');
    worker.child.kill('SIGSTOP');
    const lock = await keeper.locks.lock('account');
    const store = await openStore(kind, place);
    expect(await store.read('account')).toBe('of the worker, in time');
    await store.write('account', 'of the keeper', lock.token);
    worker.child.kill('SIGCONT');
    worker.child.stdin?.write('go on\n');
    await worker.says('refused');
    expect(await store.read('account')).toBe('of the keeper');
    await lock.release();
    await store.close();
    if (worker.child.exitCode === null) await once(worker.child, 'exit');
  });
});

interface Worker {
  readonly child: ChildProcess;
  says(line: string): Promise<void>;
}

/** Another node, as a process of its own. */
function start(kind: string, place: string): Worker {
  const program = path.join(import.meta.dirname, '../src/worker.ts');
  const own = path.join(folder, `worker-${kind}`);
  const args = ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning', program];
  const argv = [...args, formatAddress(keeper.self), own, kind, place];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  return {
    child,
    says: async (line) => {
      while (!output.includes(`${line}\n`)) {
        if (child.exitCode !== null) throw new Error(`the worker ended, and said ${JSON.stringify(output)}`);
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      }
    },
  };
}
