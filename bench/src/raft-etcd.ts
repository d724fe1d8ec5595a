import type { ChildProcess } from 'node:child_process';

import { findProgram } from '@quorate/test-servers';
import { Etcd3 } from 'etcd3';

import { closedLoop, type Load } from './closed-loop.ts';
import { freePorts } from './free-ports.ts';
import { COMMAND_BYTES, type LoadPlan, type RaftSystem } from './raft-system.ts';
import type { Scratch } from './scratch.ts';

const MEMBERS = ['a', 'b', 'c'];
const START_TIMEOUT_MS = 30_000;
const RETRY_MS = 100;

/** etcd 3.5 through the npm client `etcd3`, which runs in this process and talks to the leader. */
export const etcdSystem: RaftSystem = {
  name: 'etcd',
  unavailable: () =>
    findProgram('etcd') === undefined
      ? 'there is no etcd: put it on the PATH or name its folder in QUORATE_SERVERS'
      : undefined,
  measure,
};

async function measure(scratch: Scratch, plan: LoadPlan): Promise<ReadonlyMap<number, Load>> {
  const urls = await startMembers(scratch);
  const client = await connectToLeader(urls);
  const command = Buffer.alloc(COMMAND_BYTES, 7);
  const put = async () => client.put('bench').value(command);
  const loads = new Map<number, Load>();
  for (const concurrency of plan.concurrencies) {
    await closedLoop(put, concurrency, plan.warmUpSeconds);
    loads.set(concurrency, await closedLoop(put, concurrency, plan.seconds));
  }
  client.close();
  return loads;
}

async function startMembers(scratch: Scratch): Promise<readonly string[]> {
  const program = findProgram('etcd');
  if (program === undefined) throw new Error('there was an etcd a moment ago');
  const folder = scratch.folder('etcd');
  const ports = await freePorts(2 * MEMBERS.length);
  const url = (at: number) => `http://127.0.0.1:${ports[at] ?? 0}`;
  const peers = MEMBERS.map((_, at) => url(MEMBERS.length + at));
  MEMBERS.forEach((name, at) => {
    const options = {
      name,
      'data-dir': `${folder}/${name}`,
      'listen-client-urls': url(at),
      'advertise-client-urls': url(at),
      'listen-peer-urls': peers[at],
      'initial-advertise-peer-urls': peers[at],
      'initial-cluster': MEMBERS.map((member, other) => `${member}=${peers[other]}`).join(','),
      'initial-cluster-state': 'new',
      'log-level': 'fatal',
    };
    forward(
      scratch.run(
        program,
        Object.entries(options).map(([option, value]) => `--${option}=${value}`),
      ),
    );
  });
  return MEMBERS.map((_, at) => url(at));
}

function forward(child: ChildProcess): void {
  child.stdout?.resume();
  child.stderr?.pipe(process.stderr, { end: false });
}

/** A client of the member that leads, as soon as one does. */
async function connectToLeader(urls: readonly string[]): Promise<Etcd3> {
  for (const end = performance.now() + START_TIMEOUT_MS; performance.now() < end;) {
    for (const url of urls) {
      const client = new Etcd3({ hosts: url });
      const status = await client.maintenance.status().catch(() => undefined);
      if (status !== undefined && status.leader !== '0' && status.leader === status.header.member_id) return client;
      client.close();
    }
    await new Promise((resolve) => void setTimeout(resolve, RETRY_MS));
  }
  throw new Error(`etcd had no leader within ${START_TIMEOUT_MS} ms`);
}
