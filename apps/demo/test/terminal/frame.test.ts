import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import type { NodeStatus } from '../../src/broker/node-status.ts';
import { DEFAULT_QUEUE_OPTIONS } from '../../src/broker/commands.ts';
import type { DashboardState, LogEntry, ShownNode } from '../../src/dashboard/dashboard-state.ts';
import { type Picture, renderFrame } from '../../src/terminal/frame.ts';

function status(id: string, role: 'leader' | 'follower', term: number): NodeStatus {
  const members = ['a', 'b', 'c'].map((other) => ({ id: other, address: '127.0.0.1:7001', state: 'alive' as const }));
  return {
    id,
    cluster: 'demo',
    members,
    elected: { id: 'a', token: '4' },
    replication: { role, leader: 'a', term, commitIndex: 90, appliedIndex: 88, peers: [] },
    queues: [],
    requests: { published: 1, delivered: 1, acknowledged: 1, failed: 0 },
  };
}

const node = (id: string, rest: Partial<ShownNode>): ShownNode => ({
  id,
  url: `http://127.0.0.1:${7000 + id.charCodeAt(0)}`,
  process: 'running',
  status: undefined,
  ...rest,
});

const state: DashboardState = {
  nodes: [
    node('a', { status: status('a', 'leader', 4), cpu: 0.25, memoryMib: 96.4 }),
    node('b', { status: status('b', 'leader', 3) }),
    node('c', { process: 'killed' }),
  ],
  partition: [['a', 'c'], ['b']],
  queues: [
    {
      name: 'orders',
      options: DEFAULT_QUEUE_OPTIONS,
      ready: 3,
      delayed: 4,
      inFlight: 5,
      accepted: 600,
      acknowledged: 580,
      duplicates: 1,
      deliveries: 620,
      redeliveries: 7,
      deadLettered: 0,
      dropped: 0,
    },
  ],
  traffic: {
    isRunning: true,
    published: 120,
    acknowledged: 118,
    failed: 2,
    p50Ms: 4.25,
    p99Ms: 30,
    audit: { accepted: 600, delivered: 620, duplicates: 20, lost: 0, outOfOrder: 0 },
  },
  controls: [],
};

const entries: readonly LogEntry[] = Array.from({ length: 30 }, (_, index) => ({
  number: index + 1,
  at: '2026-01-02T03:04:05.678Z',
  level: 'info',
  node: index === 29 ? 'b' : undefined,
  text: `event ${index}\nwith details`,
}));

const picture: Picture = {
  title: 'Quorate',
  url: 'http://127.0.0.1:4040/',
  asked: 'npm run quorate -- status --cluster demo --connect 127.0.0.1:40001',
  state,
  leader: 'a',
  selected: 'b',
  entries,
  problems: [],
  note: 'a note',
};

function render(rows: number, changes: Partial<Picture> = {}): readonly string[] {
  return renderFrame({ ...picture, ...changes }, rows).map(stripVTControlCharacters);
}

it('shows who leads, the queues, the traffic, the audit, where the dashboard is, and the keys', () => {
  const text = render(60).join('\n');
  expect(text).toContain('Dashboard  http://127.0.0.1:4040/');
  expect(text).toContain('Ask it     npm run quorate -- status --cluster demo --connect 127.0.0.1:40001');
  expect(text).toContain('cut: a c | b');
  expect(text).toMatch(/ {3}a {5}leader +4 +88 +25 % +96 MiB +b c/u);
  expect(text).toMatch(/› b {5}deposed +3/u);
  expect(text).toMatch(/c {5}killed +- +- +- +- +-/u);
  expect(text).toMatch(/orders +3 +4 +5 +600 +7/u);
  expect(text).toContain(
    '120/s accepted, half within 4.3 ms, 99 % within 30.0 ms, 118/s acknowledged, 2 requests failed',
  );
  expect(text).toContain('600 accepted, 620 delivered (20 again), 0 lost, 0 out of order');
  expect(text).toMatch(/03:04:05.678 {2}b: event 29\n(?!with)/u);
  expect(text).toContain('k kill the leader');
  expect(text).toContain('a note');
});

it('tells of broken promises, and of traffic that is off', () => {
  const traffic = { ...state.traffic!, isRunning: false };
  const text = render(60, { problems: ['lost: m1'], state: { ...state, traffic } }).join('\n');
  expect(text).toContain('lost: m1');
  expect(text).toContain('Traffic  off');
});

it.each([1, 10, 16, 20, 24, 40])('fits into %i rows, and the log and then the queues give way', (rows) => {
  const lines = render(rows);
  expect(lines.length).toBeLessThanOrEqual(rows);
  if (rows >= 20) expect(lines.at(-1)).toContain('a note');
  if (rows >= 20) expect(lines.join('\n')).toContain('orders');
  if (rows < 18) expect(lines.join('\n')).not.toContain('orders');
});
