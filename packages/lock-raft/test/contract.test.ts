import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';
import { lockContract, type LockHarness, type NodeParts, type Runner } from '@quorate/testkit';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterAll, describe, it } from 'vitest';

import { raftLocks } from '../src/index.ts';

const harness: LockHarness = {
  name: 'lock-raft',
  supports: { fair: true, shared: true, semaphore: true },
  create: ({ voters }) => raftLocks({ voters }),
  refuses: {
    factory: raftLocks,
    options: [
      { voters: [] },
      { voters: ['a', 'a'] },
      { voters: ['a'], profile: 'slow' },
      { voters: ['a'], timings: { heartbeatMs: -1 } },
      { voters: ['a'], timings: { heartbeatMs: 1000 } },
      { voters: ['a'], maxClockDrift: 1 },
    ],
  },
};

lockContract({ describe, it }, harness);

describe('whole nodes', () => {
  const nodes: NodeParts = {
    transport: () => tcpTransport({ reconnect: { minMs: 100, maxMs: 1000 } }),
    storage: () => fileStorage({ directory: '/data' }),
  };
  lockContract({ describe, it }, { ...harness, nodes });
});

describe('whole nodes of a real machine', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-lock-raft-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let storages = 0;
  const nodes: NodeParts = {
    transport: () => tcpTransport({ reconnect: { minMs: 20, maxMs: 100 } }),
    storage: () => fileStorage({ directory: path.join(folder, String((storages += 1))) }),
  };
  const system = nodeSystem({ logger: silentLogger });
  // A machine that runs other tests may stand still for longer than elections in one data centre allow for.
  const timings = { electionMs: 1000 };
  const create: LockHarness['create'] = ({ voters }) => raftLocks({ voters, timings });
  // What the machine decides is the same on any computer, and was tested above.
  const chosen = [
    'a lock is held by one at a time, and its token grows from holder to holder',
    'many who want it at one time have it one after the other',
    'those who wait have it in the order in which they came',
    'a writer who waits is not overtaken by readers',
    'what a node holds when it is disposed of is given back',
  ];
  const some = (name: string, body: () => Promise<void>) => (chosen.includes(name) ? it : it.skip)(name, body);
  const only = Object.assign(some, { skip: it.skip });
  const runner: Runner = { describe, it: only };
  lockContract(runner, { ...harness, create, nodes, system, takenWithinMs: 6000 });
});
