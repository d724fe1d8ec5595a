import { describe, expect, it } from 'vitest';
import {
  ClusterError,
  type ClusterOptions,
  type ClusterPlan,
  connectionMembership,
  createCluster,
  formatAddress,
  isClusterError,
  type Plugin,
  type Replicator,
} from '../src/index.ts';
import {
  fakeDiscovery,
  FakeDiscovery,
  fakeElection,
  FakeElection,
  fakeLocks,
  FakeLocks,
  fakeStorage,
  fakeTransport,
  FakeTransport,
} from './fake-parts.ts';
import { manualSystem } from './manual-clock.ts';

const transport = fakeTransport(new FakeTransport());
const discovery = fakeDiscovery(new FakeDiscovery());
const election = fakeElection(new FakeElection());
const durableElection = fakeElection(new FakeElection(), ['transport', 'durable-storage']);
const engineElection = fakeElection(new FakeElection(), []);
const replicator: Plugin<Replicator<string, number, string, number>, 'replicator'> = {
  name: 'fake-replicator',
  kind: 'replicator',
  requires: ['election'],
  create: () => expect.unreachable(),
};
const locks = fakeLocks(new FakeLocks(), ['transport', 'log']);
const system = manualSystem();

function refusal(options: unknown): string {
  try {
    createCluster(options as ClusterOptions);
  } catch (error) {
    if (isClusterError(error, 'INVALID_OPTIONS')) return error.message.replace(/^createCluster: /u, '');
    throw error;
  }
  return 'accepted';
}

describe('createCluster', () => {
  it.each([true, false])('asks each part whether it can do it, with enabled: %j', (enabled) => {
    const check = ({ self, bind }: ClusterPlan) => {
      throw new ClusterError('INVALID_OPTIONS', `fake: ${self.id} at ${formatAddress(bind)}`);
    };
    const options = { nodeId: 'a', enabled, bind: '127.0.0.1:1', transport: { ...transport, check } };
    expect(refusal(options)).toBe('fake: a at 127.0.0.1:1');
  });

  it('shows each part the others, so that they can agree', () => {
    const check = ({ parts }: ClusterPlan) => {
      throw new ClusterError('INVALID_OPTIONS', parts.map(({ kind, name }) => `${kind} ${name}`).join(', '));
    };
    const chosen = { nodeId: 'a', transport, discovery, election: { ...election, check } };
    const all = [transport, discovery, election].map(({ kind, name }) => `${kind} ${name}`);
    expect(refusal(chosen)).toBe(all.join(', '));
  });

  it.each([
    ['a cluster of parts', { transport, discovery, election, seedNodes: ['b:1'] }],
    ['an election on an engine, without a transport', { election: engineElection }],
    [
      'a durable storage for an election that requires one',
      { transport, election: durableElection, storage: fakeStorage(new Map()) },
    ],
    ['locks on an engine, and nothing else', { locks: fakeLocks(new FakeLocks()) }],
    ['locks alone', { enabled: false, locks: fakeLocks(new FakeLocks()) }],
    ['nothing but an id', {}],
    ['no seeds at all without a transport', { seedNodes: [] }],
    ['a wildcard with an address to advertise', { transport, bind: '0.0.0.0:1', advertise: 'a:1' }],
    ['disabled parts', { enabled: false, transport, discovery, election, bind: 'a:1', campaign: true }],
    [
      'a replicator with its options',
      { transport, election, replicator, replicationFactor: 5, consistency: 'eventual' },
    ],
  ])('accepts %s', (_, options) => expect(refusal({ nodeId: 'a', system, ...options })).toBe('accepted'));

  it.each([
    [{ nodeId: undefined }, /^nodeId must be .*, got undefined$/u],
    [{ nodeId: 'a b' }, /^nodeId must be .*, got "a b"$/u],
    [{ nodeID: 'a' }, 'there is no option nodeID'],
    [{ name: '' }, /^name must be/u],
    [{ bind: 'nowhere' }, 'bind must be host:port, got "nowhere"'],
    [{ transport, seedNodes: ['b:1', 'c'] }, 'seedNodes[1] must be host:port, got "c"'],
    [{ weight: -1 }, 'weight must be a number from 0, got -1'],
    [{ metadata: { a: 1 } }, 'metadata must be an object whose values are texts, got an object'],
    [{ metadata: { a: 'x'.repeat(9_000) } }, 'zone, region and metadata must fit 8192 bytes of JSON together'],
    [{ timings: { startTimeoutMs: 0 } }, /^timings: startTimeoutMs must be a number of milliseconds from 1/u],
    [{ timings: { startTimeout: 1 } }, 'timings: there is no option startTimeout'],
    [{ logger: {} }, 'logger must be a logger with debug, info, warn and error, such as console, got an object'],
    [{ system: {} }, 'system must be a System: clock, random, net, disk, crypto and logger, got an object'],
    [
      { transport: discovery },
      'transport must be a plugin of kind transport, got fake-discovery, which is of kind discovery',
    ],
    [{ transport: () => transport }, 'transport must be a plugin of kind transport, got a function'],
    [{ seedNodes: ['b:1'] }, 'seedNodes is set, but no transport is chosen that could use it'],
    [{ discovery }, 'discovery is set, but no transport is chosen that could use it'],
    [{ bind: 'a:1' }, 'bind is set, but no transport is chosen that could use it'],
    [{ election }, 'election is fake-election, which requires transport, and no chosen part provides that'],
    [
      { transport, election: durableElection },
      'election is fake-election, which requires durable-storage, and no chosen part provides that',
    ],
    [
      { transport, election: durableElection, storage: fakeStorage(new Map(), { durable: false }) },
      'election is fake-election, which requires durable-storage, and no chosen part provides that',
    ],
    [
      { transport, replicator },
      'replicator is fake-replicator, which requires election, and no chosen part provides that',
    ],
    [{ transport, locks }, 'locks is fake-locks, which requires log, and no chosen part provides that'],
    [{ locks: election }, 'locks must be a plugin of kind locks, got fake-election, which is of kind election'],
    [{ transport, replicationFactor: 3 }, 'replicationFactor is set, but no replicator is chosen that could keep it'],
    [{ transport, consistency: 'quorum' }, 'consistency is set, but no replicator is chosen that could keep it'],
    [{ transport, campaign: true }, 'campaign is true, but no election is chosen'],
    [{ enabled: false, seedNodes: ['b:1'] }, 'seedNodes is set, but enabled is false: a cluster of one has no others'],
    [
      { enabled: false, transport, election, replicator },
      'replicator is fake-replicator, but enabled is false: a cluster of one cannot replicate',
    ],
    [{ enabled: false, election: durableElection, transport }, /requires durable-storage/u],
    [{ transport, bind: '0.0.0.0:1' }, 'advertise must be set, because bind is 0.0.0.0:1, which nobody can dial'],
    [{ transport, bind: '[0::0]:1' }, 'advertise must be set, because bind is [0::0]:1, which nobody can dial'],
    [{ transport, bind: '0:1' }, 'advertise must be set, because bind is 0:1, which nobody can dial'],
    [{ transport, advertise: '[::]:1' }, 'advertise is [::]:1, which nobody can dial'],
    [
      { transport, membership: connectionMembership(), timings: { unreachableAfterMs: 1 } },
      'timings.unreachableAfterMs is set, but membership is connection-membership, which has its own timings',
    ],
  ])('refuses %j', (options, message) => {
    const told = refusal({ nodeId: 'a', system, ...options });
    if (typeof message === 'string') expect(told).toBe(message);
    else expect(told).toMatch(message);
  });

  it('does not take options that are no object', () => {
    expect(refusal(undefined)).toBe('options must be an object, got undefined');
  });

  it('knows the replicator that was chosen by its type', () => {
    const cluster = createCluster({ nodeId: 'a', system, transport, election, replicator });
    const typed: Replicator<string, number, string, number> | undefined =
      cluster.status === 'running' ? cluster.replicator : undefined;
    expect(typed).toBeUndefined();
  });

  it('makes nothing yet: parts are there from start on, and others never', () => {
    const cluster = createCluster({ nodeId: 'a', system, transport, zone: 'z', bind: '127.0.0.1:7' });
    expect([cluster.status, cluster.nodes, cluster.leader, cluster.isLeader]).toEqual([
      'stopped',
      [],
      undefined,
      false,
    ]);
    expect(cluster.self).toEqual({ id: 'a', host: '127.0.0.1', port: 7, zone: 'z' });
    for (const part of ['transport', 'membership'] as const) {
      expect(() => cluster[part]).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    }
    for (const part of ['storage', 'discovery', 'election', 'replicator', 'locks'] as const) {
      const unsupported = { code: 'UNSUPPORTED', message: `cluster default: no ${part} was chosen` };
      expect(() => cluster[part]).toThrow(expect.objectContaining(unsupported));
    }
  });
});
