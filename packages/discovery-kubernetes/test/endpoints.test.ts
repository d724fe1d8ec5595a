import fc from 'fast-check';
import { expect, it } from 'vitest';

import { readSlice } from '../src/endpoint-slice.ts';
import { chooseNodes, type ReadingOptions } from '../src/found-endpoint.ts';
import { readPod } from '../src/pod.ts';
import { rawSlice } from './fake-kubernetes.ts';

const PLAIN: ReadingOptions = { port: undefined, include: 'ready', addressType: undefined, podNamesAreIds: true };
const PORTS = [{ name: 'cluster', protocol: 'TCP', port: 7000 }];

const pod = (name: string) => ({ kind: 'Pod', name });
const slice = (endpoints: unknown, ports: unknown = PORTS) => rawSlice('web-1', endpoints, ports);
const nodesOf = (endpoints: unknown, options: Partial<ReadingOptions> = {}, ports: unknown = PORTS) =>
  chooseNodes([readSlice(slice(endpoints, ports), { ...PLAIN, ...options })]);

it('takes the name of the pod as the id, the first address, and the zone', () => {
  const endpoint = { addresses: ['10.0.0.1', '10.0.0.2'], targetRef: pod('web-0'), zone: 'z1', nodeName: 'machine' };
  expect(nodesOf([endpoint])).toEqual([{ id: 'web-0', host: '10.0.0.1', port: 7000, zone: 'z1' }]);
  expect(nodesOf([endpoint], { podNamesAreIds: false })).toEqual([{ host: '10.0.0.1', port: 7000, zone: 'z1' }]);
  const old = {
    addresses: ['10.0.0.1'],
    hostname: 'web-1',
    deprecatedTopology: { 'topology.kubernetes.io/zone': 'z2' },
  };
  expect(nodesOf([old])).toEqual([{ id: 'web-1', host: '10.0.0.1', port: 7000, zone: 'z2' }]);
});

it('leaves the id open when the name of the pod is too long for one', () => {
  const name = 'a'.repeat(200);
  expect(nodesOf([{ addresses: ['10.0.0.1'], targetRef: pod(name) }])).toEqual([{ host: '10.0.0.1', port: 7000 }]);
});

it.each<[string, object, readonly string[]]>([
  ['nothing said', {}, ['ready', 'serving', 'all']],
  ['null', { ready: null, serving: null }, ['ready', 'serving', 'all']],
  ['ready', { ready: true, serving: true, terminating: false }, ['ready', 'serving', 'all']],
  ['terminating and serving', { ready: false, serving: true, terminating: true }, ['serving', 'all']],
  ['terminating', { ready: false, serving: false, terminating: true }, ['all']],
  ['not ready', { ready: false }, ['all']],
])('includes an endpoint of which is said: %s', (_, conditions, included) => {
  const endpoints = [{ addresses: ['10.0.0.1'], conditions }];
  const at = (['ready', 'serving', 'all'] as const).filter((include) => nodesOf(endpoints, { include }).length > 0);
  expect(at).toEqual(included);
});

it.each<[unknown, number | string | undefined, number | RegExp]>([
  [PORTS, undefined, 7000],
  [PORTS, 'cluster', 7000],
  [PORTS, 8000, 8000],
  [null, 8000, 8000],
  [PORTS, 'web', /web-1: it has no port "web" with a number/u],
  [null, undefined, /web-1: it has no port with a number/u],
  [[{ name: 'cluster', port: null }], 'cluster', /no port "cluster" with a number/u],
  [[...PORTS, { name: 'web', protocol: 'TCP', port: 80 }], undefined, /it has 2 ports; the option port says which/u],
  [[...PORTS, { name: 'gossip', protocol: 'UDP', port: 7001 }], undefined, 7000],
])('of the ports %j takes %j', (ports, port, expected) => {
  const { endpoints, problems } = readSlice(slice([{ addresses: ['10.0.0.1'] }], ports), { ...PLAIN, port });
  if (typeof expected === 'number') expect(endpoints.map(({ node }) => node.port)).toEqual([expected]);
  else expect(problems.join()).toMatch(expected);
});

it('reads a slice whose endpoints and ports are null as empty, without a complaint', () => {
  expect(readSlice(slice(null, null), PLAIN)).toEqual({ endpoints: [], problems: [] });
});

it('tells an id once, with the better of its addresses', () => {
  const six = { ...slice([{ addresses: ['fd00::1'], targetRef: pod('web-0') }]), addressType: 'IPv6' };
  const four = slice([{ addresses: ['10.0.0.1'], targetRef: pod('web-0') }]);
  const moving = slice([{ addresses: ['10.0.0.9'], targetRef: pod('web-0'), conditions: { ready: false } }]);
  const read = (options: Partial<ReadingOptions>) =>
    [moving, six, four].map((each) => readSlice(each, { ...PLAIN, include: 'all', ...options }));
  expect(chooseNodes(read({})).map(({ host }) => host)).toEqual(['10.0.0.1']);
  expect(chooseNodes(read({ addressType: 'IPv6' })).map(({ host }) => host)).toEqual(['fd00::1']);
});

it('names the entry that is left out', () => {
  const { problems } = readSlice(
    slice([7, { addresses: [] }, { addresses: ['10.0.0.1'], targetRef: pod('../x') }]),
    PLAIN,
  );
  expect(problems).toEqual([
    'slice web-1: an endpoint was left out: 7',
    'slice web-1: an endpoint was left out: {"addresses":[]} has no address',
    'slice web-1: an endpoint was left out: "../x" is no name of a pod',
  ]);
});

it('reads pods: with an address, until they end, by their own readiness', () => {
  const labels = { 'topology.kubernetes.io/zone': 'z1' };
  const containers = [{ ports: null }, { ports: [{ name: 'cluster', containerPort: 7000 }] }];
  const conditions = [{ type: 'Ready', status: 'True' }];
  const podIPs = [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }];
  const status = { phase: 'Running', podIP: '10.0.0.1', podIPs, conditions };
  const metadata = { name: 'web-0', labels };
  const read = (change: object, options: Partial<ReadingOptions> = {}) =>
    chooseNodes([readPod({ metadata, spec: { containers }, status, ...change }, { ...PLAIN, ...options })]);
  const node = { id: 'web-0', host: '10.0.0.1', port: 7000, zone: 'z1' };
  expect(read({})).toEqual([node]);
  expect(read({}, { addressType: 'IPv6' })).toEqual([{ ...node, host: 'fd00::1' }]);
  const going = { metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect([read(going), read(going, { include: 'serving' })]).toEqual([[], [node]]);
  const starting = { status: { ...status, conditions: null } };
  expect([read(starting), read(starting, { include: 'all' })]).toEqual([[], [node]]);
  expect(read({ status: { ...status, phase: 'Failed' } }, { include: 'all' })).toEqual([]);
  expect(read({ status: { phase: 'Pending' } }, { include: 'all' })).toEqual([]);
});

it('reads whatever a server says without throwing, and tells only texts and numbers on', () => {
  const anything = fc.anything({ withNullPrototype: true, maxDepth: 4 });
  const likely = fc.record(
    {
      addresses: fc.oneof(anything, fc.array(fc.string())),
      conditions: anything,
      targetRef: fc.oneof(anything, fc.record({ kind: fc.constant('Pod'), name: anything })),
      hostname: anything,
      zone: anything,
    },
    { requiredKeys: [] },
  );
  const endpoints = fc.oneof(anything, fc.array(fc.oneof(anything, likely)));
  const ports = fc.oneof(anything, fc.array(fc.record({ name: anything, port: fc.oneof(anything, fc.integer()) })));
  fc.assert(
    fc.property(endpoints, ports, anything, (given, among, status) => {
      const json = JSON.parse(JSON.stringify({ given, among, status }, withoutBigInts) ?? '{}') as Record<
        string,
        unknown
      >;
      const read = [
        readSlice(slice(json['given'], json['among']), { ...PLAIN, include: 'all' }),
        readPod({ metadata: { name: 'web-0' }, status: json['status'], spec: json['given'] }, { ...PLAIN, port: 1 }),
      ];
      for (const { host, port, id, zone } of chooseNodes(read)) {
        expect([typeof host, typeof port]).toEqual(['string', 'number']);
        for (const text of [id, zone]) expect(['string', 'undefined']).toContain(typeof text);
      }
    }),
  );
});

function withoutBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
