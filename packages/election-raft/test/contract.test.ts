import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';
import { electionContract, type ElectionHarness, type NodeParts, type Runner } from '@quorate/testkit';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterAll, describe, it } from 'vitest';

import { raftElection } from '../src/index.ts';

const harness: ElectionHarness = {
  name: 'election-raft',
  supports: { transfer: true },
  create: ({ voters }) => raftElection({ voters }),
  refuses: {
    factory: raftElection,
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

electionContract({ describe, it }, harness);

describe('whole nodes', () => {
  const nodes: NodeParts = {
    transport: () => tcpTransport({ reconnect: { minMs: 100, maxMs: 1000 } }),
    storage: () => fileStorage({ directory: '/data' }),
  };
  electionContract({ describe, it }, { ...harness, nodes });
});

describe('whole nodes of a real machine', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-election-raft-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let storages = 0;
  const nodes: NodeParts = {
    transport: () => tcpTransport({ reconnect: { minMs: 20, maxMs: 100 } }),
    storage: () => fileStorage({ directory: path.join(folder, String((storages += 1))) }),
  };
  const system = nodeSystem({ logger: silentLogger });
  // A machine that runs other tests may stand still for longer than elections in one data centre allow for.
  const timings = { electionMs: 1000 };
  const create: ElectionHarness['create'] = ({ voters }) => raftElection({ voters, timings });
  // How calls and options are checked is the same on any machine, and was tested above.
  const isElsewhere = (name: string) => name === 'lifecycle' || name === 'options';
  const runner: Runner = { describe: (name, cases) => (isElsewhere(name) ? describe.skip : describe)(name, cases), it };
  electionContract(runner, { ...harness, create, nodes, system, electedWithinMs: 6000 });
});
