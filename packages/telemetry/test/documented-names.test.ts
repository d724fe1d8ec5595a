import { readFile, writeFile } from 'node:fs/promises';
import { createCluster } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { memoryStorage } from '@quorate/memory';
import { raftOperations } from '@quorate/replicator-raft';
import { tcpTransport } from '@quorate/transport-tcp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaseInstruments } from '../../lease/src/lease-instruments.ts';
import { observeEventLoop } from '../src/node/event-loop.ts';
import { combined, prometheus, type Prometheus } from '../src/index.ts';
import { parseExposition } from './exposition.ts';
import { NotedTelemetry } from './noted-telemetry.ts';
import { type MeasuredCluster, threeNodes } from './three-nodes.ts';

const PAGE = new URL('../../../docs/telemetry.md', import.meta.url);
const [BEGIN, END] = ['<!-- names: begin -->', '<!-- names: end -->'];

const noted = new NotedTelemetry();
const metrics = new Map<string, Prometheus>();
let cluster: MeasuredCluster;

/** A real cluster does all that there is to measure. */
beforeAll(async () => {
  cluster = await threeNodes((id) => {
    const own = prometheus({ eventLoop: id === 'a' });
    metrics.set(id, own);
    return combined(own, noted);
  });
  // What stands on an engine is measured where there is one; an election by majority, by itself.
  leaseInstruments(noted, 'election-etcd');
  observeEventLoop(noted)[Symbol.dispose]();
  const election = majorityElection({ voters: ['m'], volatileVotes: true });
  const alone = createCluster({
    nodeId: 'm',
    transport: tcpTransport(),
    storage: memoryStorage(),
    election,
    telemetry: combined(prometheusOf('m'), noted),
    logLevel: 'silent',
  });
  await alone.start();
  await elected(alone);
  await use();
  noted.collect();
  texts.set('m', await prometheusOf('m').text());
  for (const [id, own] of metrics) texts.set(id, await own.text());
  await alone.stop();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  for (const own of metrics.values()) own[Symbol.dispose]();
});

const texts = new Map<string, string>();

function prometheusOf(id: string): Prometheus {
  const own = metrics.get(id) ?? prometheus({ eventLoop: false });
  metrics.set(id, own);
  return own;
}

async function elected(node: { readonly isLeader: boolean }): Promise<void> {
  while (!node.isLeader) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

async function use(): Promise<void> {
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  for (let value = 1; value <= 20; value += 1) await follower.cluster.replicator.replicate(1);
  expect(await follower.cluster.replicator.read(0, { consistency: 'linearizable' })).toBe(20);
  expect(await follower.ask('who')).toBe(leader.cluster.self.id);
  await raftOperations(leader.cluster.replicator).snapshotNow();
  const lock = await follower.cluster.locks.lock('one');
  await lock[Symbol.asyncDispose]();
  follower.gossip.broadcast('hello', 1);
  while (leader.task.status.outcome !== 'completed') await pause();
}

/** The value of a line, summed over its labels that are not named. */
function valueOf(id: string, metric: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  const lines = (texts.get(id) ?? '').split('\n').filter((line) => line.startsWith(`${metric}{`));
  const matching = lines.filter((line) => wanted.every((label) => line.includes(label)));
  expect(matching, `${metric} of ${id}`).not.toHaveLength(0);
  return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function table(): string {
  const rows = [...noted.instruments]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, about]) => {
      const own = [...about.attributes].filter((each) => each !== 'quorate.cluster.name' && each !== 'quorate.node.id');
      const attributes = own.sort().map((each) => `\`${each}\``);
      return `| \`${name}\` | ${about.kind} | \`${about.unit}\` | ${about.description} | ${attributes.join(', ')} |`;
    });
  const head = ['| name | kind | unit | what it is | attributes |', '| --- | --- | --- | --- | --- |'];
  return [BEGIN, '', ...head, ...rows, '', END].join('\n');
}

test('docs/telemetry.md names every instrument that there is, and no other', async () => {
  const page = await readFile(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  const written = page.slice(begin, end + END.length);
  if (process.env['QUORATE_WRITE_DOCS'] !== undefined) {
    await writeFile(PAGE, page.slice(0, begin) + table() + page.slice(end + END.length));
    return;
  }
  expect(written, 'write it anew: QUORATE_WRITE_DOCS=1 vitest run packages/telemetry').toBe(table());
});

test('the spans that are begun are documented', async () => {
  const page = await readFile(PAGE, 'utf8');
  expect([...noted.spans].sort().filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  expect(noted.spans.size).toBe(8);
});

test('names and attributes keep to the rules of OpenTelemetry', () => {
  for (const [name, { unit, attributes }] of noted.instruments) {
    expect(name).toMatch(/^(?:quorate|nodejs)(?:\.[a-z][a-z0-9_]*)+$/u);
    expect(unit).toMatch(/^(?:s|By|1|\{[a-z]+\})$/u);
    for (const attribute of attributes) expect(attribute).toMatch(/^(?:quorate|error)(?:\.[a-z][a-z0-9_]*)+$/u);
  }
});

test('a parser of Prometheus reads what a real cluster tells', () => {
  for (const text of texts.values()) {
    const families = parseExposition(text);
    expect(families.length).toBeGreaterThan(20);
    // A set of labels stands for a node, a group, a kind: never for something that clients or strangers make.
    for (const { name, samples } of families) expect(samples.length, name).toBeLessThan(500);
  }
});

test('what a real cluster has done is what it tells', async () => {
  const leader = (await cluster.leader()).cluster.self.id;
  const follower = (await cluster.follower()).cluster.self.id;
  expect(valueOf(leader, 'quorate_cluster_status', { quorate_cluster_status: 'running' })).toBe(1);
  expect(valueOf(leader, 'quorate_cluster_members', { quorate_member_state: 'alive' })).toBe(3);
  expect(valueOf(leader, 'quorate_cluster_leadership_held')).toBe(1);
  expect(valueOf(follower, 'quorate_cluster_leadership_held')).toBe(0);
  expect(valueOf(leader, 'quorate_cluster_leader_changes_total')).toBeGreaterThan(0);
  expect(valueOf(leader, 'quorate_raft_role', { quorate_raft_role: 'leader' })).toBeGreaterThanOrEqual(1);
  expect(valueOf(leader, 'quorate_raft_elections_won_total')).toBeGreaterThan(0);
  expect(valueOf(leader, 'quorate_raft_term')).toBeGreaterThan(0);
  expect(valueOf(leader, 'quorate_raft_commands_total', { quorate_outcome: 'applied' })).toBeGreaterThanOrEqual(20);
  expect(valueOf(leader, 'quorate_raft_commit_duration_seconds_count')).toBeGreaterThanOrEqual(20);
  expect(valueOf(leader, 'quorate_raft_commit_duration_seconds_sum')).toBeGreaterThan(0);
  expect(valueOf(leader, 'quorate_raft_commit_duration_seconds_sum')).toBeLessThan(20 * 30);
  expect(valueOf(leader, 'quorate_raft_applied_index')).toBeGreaterThanOrEqual(20);
  expect(valueOf(leader, 'quorate_raft_peer_lag')).toBeGreaterThanOrEqual(0);
  expect(valueOf(leader, 'quorate_raft_snapshot_size_bytes_count', { quorate_raft_snapshot_action: 'take' })).toBe(1);
  expect(valueOf(follower, 'quorate_raft_reads_total', { quorate_outcome: 'done' })).toBeGreaterThan(0);
  expect(valueOf(leader, 'quorate_storage_log_sync_duration_seconds_count')).toBeGreaterThan(20);
  expect(valueOf(leader, 'quorate_storage_log_written_size_bytes_total')).toBeGreaterThan(20 * 4096);
  expect(valueOf(leader, 'quorate_storage_log_size_bytes')).toBeGreaterThanOrEqual(4 * 1024 * 1024);
  expect(valueOf(leader, 'quorate_transport_peers')).toBe(2);
  expect(valueOf(leader, 'quorate_transport_received_size_bytes_total')).toBeGreaterThan(1000);
  expect(valueOf(follower, 'quorate_transport_request_duration_seconds_count')).toBeGreaterThan(20);
  expect(valueOf(follower, 'quorate_transport_requests_pending')).toBeGreaterThanOrEqual(0);
  expect(valueOf(follower, 'quorate_swim_members')).toBe(3);
  expect(valueOf(follower, 'quorate_forwarding_request_duration_seconds_count', { quorate_outcome: 'done' })).toBe(1);
  expect(valueOf(leader, 'quorate_forwarding_handler_duration_seconds_count', { quorate_outcome: 'done' })).toBe(1);
  expect(valueOf(follower, 'quorate_locks_wait_duration_seconds_count', { quorate_outcome: 'taken' })).toBe(1);
  expect(valueOf(leader, 'quorate_singleton_events_total', { quorate_singleton_event: 'started' })).toBe(1);
  // It may have lost the time of its lease to other tests, and won again.
  const won = valueOf('m', 'quorate_election_won_total');
  expect(won).toBeGreaterThanOrEqual(1);
  expect(valueOf('m', 'quorate_election_begun_total')).toBeGreaterThanOrEqual(won);
  expect(valueOf('m', 'quorate_election_term')).toBeGreaterThanOrEqual(won);
  expect(texts.get('a')).toMatch(/nodejs_eventloop_delay_p99_seconds \d/u);
  // Nothing of one node is told by another.
  expect(texts.get('a')).not.toContain('quorate_node_id="b"');
});
