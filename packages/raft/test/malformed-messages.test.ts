import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  Entry,
  MemoryRaftStorage,
  Message,
  MessageType,
  RaftNode,
  Ready,
  Snapshot,
  SnapshotMetadata,
} from '../src/index.ts';
import { message, type MessageFields } from '../src/messages.ts';
import { bytes, confState, Group, type Host } from './group.ts';
import { HostileWorld, type Life } from './hostile-world.ts';

const PEER_TYPES = [
  'App',
  'AppResp',
  'Vote',
  'VoteResp',
  'PreVote',
  'PreVoteResp',
  'Snap',
  'Heartbeat',
  'HeartbeatResp',
  'Prop',
  'TimeoutNow',
  'TransferLeader',
  'ReadIndex',
  'ReadIndexResp',
] as const satisfies readonly MessageType[];

const type = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom<MessageType[]>(...PEER_TYPES) },
  fc.constantFrom('Hup', 'Beat', 'ForgetLeader', 'StorageAppendResp', 'StorageApplyResp', 'CheckQuorum'),
  fc.constantFrom('constructor', '__proto__', 'toString', '', 'msgapp') as fc.Arbitrary<never>,
);
/** Mostly near what a short log has. */
const number = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 12 }) },
  fc.constantFrom(-1, 0.5, NaN, Infinity, -Infinity, -0, Number.MAX_SAFE_INTEGER, 2 ** 53, Number.MAX_VALUE),
);
const data = fc.uint8Array({ maxLength: 4 });
const entry = fc.record({
  index: number,
  term: number,
  type: fc.constantFrom('normal', 'conf-change', 'conf-change-v2', 'unknown' as 'normal'),
  data,
});
const ids = fc.array(number, { maxLength: 3 });
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  metadata: fc.record({
    index: number,
    term: number,
    confState: fc.oneof(
      fc.constant(confState([1, 2, 3])),
      fc.record({ voters: ids, votersOutgoing: ids, learners: ids, learnersNext: ids, autoLeave: fc.boolean() }),
    ),
  }),
  data,
});
const context = fc.option(
  fc.oneof(data, fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.constant(bytes('transfer'))),
  {
    nil: undefined,
  },
);

/** Anything that has the types of a message. */
const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    type,
    to: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, number),
    from: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 5 }) }, number),
    term: number,
    logTerm: number,
    index: number,
    entries: fc.oneof(fc.array(entry, { maxLength: 3 }), fc.constant<Entry[]>([])),
    commit: number,
    vote: number,
    reject: fc.boolean(),
    rejectHint: number,
    context,
    snapshot: fc.option(snapshot, { nil: undefined }),
    responses: fc.constant<readonly Message[]>([]),
  })
  .filter(({ type, from }) => from > 0 || !type.startsWith('Storage'));

const life = fc.record({
  seed: fc.integer(),
  asyncStorageWrites: fc.boolean(),
  checkQuorum: fc.boolean(),
  preVote: fc.boolean(),
  lease: fc.boolean(),
  priorities: fc.boolean(),
});

/** A node in the midst of its life. */
function somewhere(parameters: Life, steps: number): Host {
  const world = new HostileWorld(parameters);
  world.live(steps);
  return world.group.host(1 + (steps % 3));
}

describe('a message that makes no sense', () => {
  it('throws nothing and changes nothing, in whatever state it finds a node', () => {
    fc.assert(
      fc.property(life, fc.nat(900), fc.array(anyMessage, { maxLength: 12 }), (parameters, steps, messages) => {
        const host = somewhere(parameters, steps);
        for (const m of messages) if (!hears(host.node, { ...m, to: m.to === 0 ? host.id : m.to })) return;
        goesOn(host, parameters.asyncStorageWrites);
      }),
      { numRuns: Number(process.env['RAFT_LIVES'] ?? 300) },
    );
  });
});

/** What holds of any message, even of a lie that makes sense. False if the node has stopped, having lost its log. */
function hears(node: RaftNode, m: Message): boolean {
  const before = node.status();
  const hadReady = node.hasReady();
  let result: string;
  try {
    result = node.step(m);
  } catch (error) {
    expect(error).toMatchObject({ name: 'RaftError', code: 'LOG_BROKEN' });
    // Only a leader's word on what is committed can prove that.
    expect([m.type, m.commit > before.lastIndex]).toEqual(['Heartbeat', true]);
    return false;
  }
  const after = node.status();
  if (result === 'malformed' || result === 'local-only' || result === 'unknown-peer')
    expect([after, node.hasReady()], result).toEqual([before, hadReady]);
  expect(after.term).toBeGreaterThanOrEqual(before.term);
  expect(after.commit).toBeGreaterThanOrEqual(before.commit);
  if (after.vote !== before.vote) expect(before.vote === 0 || after.term > before.term).toBe(true);
  return true;
}

/** Nothing that it has heard throws later. Nothing is applied: lies that make sense would show there. */
function goesOn(host: Host, asyncStorageWrites: boolean): void {
  const { node, storage, appendWork } = host;
  for (let i = 0; i < 30; i += 1) {
    node.tick();
    for (let round = 0; node.hasReady() && round < 20; round += 1) {
      const ready = node.ready();
      if (!asyncStorageWrites) {
        write(storage, ready);
        node.advance();
      }
      appendWork.push(...ready.messages.filter((m) => m.type === 'StorageAppend'));
      for (const m of appendWork.splice(0)) {
        write(storage, { ...m, hardState: m.term === 0 ? undefined : m });
        for (const response of m.responses) if (response.to === host.id) node.step(response);
      }
    }
  }
}

function write(storage: MemoryRaftStorage, work: Pick<Ready, 'snapshot' | 'entries' | 'hardState'>): void {
  if (work.snapshot !== undefined) storage.applySnapshot(work.snapshot);
  storage.append(work.entries);
  if (work.hardState !== undefined) storage.setHardState(work.hardState);
}

describe('a follower', () => {
  const entryAt = (index: number, term: number): Entry => ({ index, term, type: 'normal', data: bytes('x') });
  const app: MessageFields = { type: 'App', index: 2, logTerm: 1, entries: [entryAt(3, 1), entryAt(4, 2)] };
  const snap = (metadata: Partial<SnapshotMetadata>): MessageFields => {
    const whole = { index: 9, term: 2, confState: confState([1, 2, 3]), ...metadata };
    return { type: 'Snap', snapshot: { metadata: whole, data: bytes('') } };
  };

  it.each<[string, MessageFields]>([
    ['of no known type', { type: 'constructor' as MessageType }],
    ['to somebody else', { ...app, to: 2 }],
    ['from itself', { type: 'Heartbeat', from: 1 }],
    ['from nobody', { ...app, from: 0 }],
    ['from a half', { ...app, from: 1.5 }],
    ['of no term', { ...app, term: 0 }],
    ['of a term after which hardly another can come', { ...app, term: Number.MAX_SAFE_INTEGER }],
    ['of a term, where terms mean nothing', { type: 'Prop', entries: [entryAt(0, 0)] }],
    ['with an index that is no number', { ...app, index: NaN }],
    ['with an index too far', { ...app, index: Number.MAX_SAFE_INTEGER, entries: [entryAt(2 ** 53, 1)] }],
    ['with a negative commit index', { type: 'Heartbeat', commit: -1 }],
    ['with entries that leave a gap', { ...app, entries: [entryAt(3, 1), entryAt(5, 1)] }],
    ['with entries that do not follow', { ...app, entries: [entryAt(4, 1)] }],
    ['with terms that fall', { ...app, entries: [entryAt(3, 2), entryAt(4, 1)] }],
    ['with a term below that of the entry before', { ...app, logTerm: 2, entries: [entryAt(3, 1)] }],
    ['with an entry of a later term than its own', { ...app, entries: [entryAt(3, 4)] }],
    ['with an entry of no known type', { ...app, entries: [{ ...entryAt(3, 1), type: 'x' as 'normal' }] }],
    ['with a change that can not be read', { ...app, entries: [{ ...entryAt(3, 1), type: 'conf-change' }] }],
    ['with a position before the first that has a term', { ...app, index: 0, entries: [] }],
    ['with a position without a term', { type: 'Vote', index: 2 }],
    ['with a log that is ahead of the vote asked for', { type: 'Vote', index: 2, logTerm: 4 }],
    ['granting a vote and telling of a commit', { type: 'VoteResp', commit: 1, logTerm: 1 }],
    ['without the snapshot it brings', { type: 'Snap' }],
    ['with a snapshot of nothing', snap({ index: 0 })],
    ['with a snapshot of a later term', snap({ term: 4 })],
    ['with a snapshot of a group without voters', snap({ confState: confState([]) })],
    ['with a snapshot in which a voter listens', snap({ confState: confState([1, 2], [2]) })],
    ['with a snapshot that names a voter twice', snap({ confState: confState([1, 2, 2]) })],
    ['with a snapshot of a voter that can be none', snap({ confState: confState([1, -2]) })],
    ['with a round that is none', { type: 'Heartbeat', context: bytes('round') }],
    ['with nothing proposed', { type: 'Prop', term: 0 }],
    ['asking for a read without a name', { type: 'ReadIndex', term: 0 }],
    ['asking for a read with an empty name', { type: 'ReadIndex', term: 0, context: bytes('') }],
    ['asking for a read with a long name', { type: 'ReadIndex', term: 0, context: new Uint8Array(1025) }],
    ['answering a read without a name', { type: 'ReadIndexResp', index: 1 }],
    ['asking it to take over, but not from its leader', { type: 'TimeoutNow', from: 3 }],
  ])('changes nothing for a message %s', (_name, fields) => {
    const { node } = follower();
    const before = node.status();
    const m = message({ to: 1, from: 2, term: 3, ...fields });
    expect(node.step(m)).toBe('malformed');
    expect([node.status(), node.hasReady()]).toEqual([before, false]);
  });

  it('takes the same messages where they make sense', () => {
    const { node } = follower();
    for (const fields of [app, snap({}), { type: 'Heartbeat' }] satisfies MessageFields[])
      expect(node.step(message({ to: 1, from: 2, term: 3, ...fields }))).toBe('ok');
    expect(node.basicStatus()).toMatchObject({ lastIndex: 9, commit: 9, leader: 2 });
  });

  it('refuses to name a read by nothing', () => {
    const { node } = follower();
    expect(() => node.readIndex(bytes(''))).toThrow(expect.objectContaining({ code: 'MISUSE' }));
  });

  /** In term 3, led by node 2, with one entry. */
  function follower(): Host {
    const host = new Group({ electionTicks: 10, heartbeatTicks: 1 }).add(confState([1, 2, 3]));
    const entries = [entryAt(2, 1)];
    host.node.step(message({ type: 'App', to: 1, from: 2, term: 3, index: 1, logTerm: 1, entries }));
    host.handleReady();
    return host;
  }
});

describe('a leader', () => {
  it('is not told that a follower has more than there is', () => {
    const group = new Group({ electionTicks: 10, heartbeatTicks: 1 });
    for (let id = 1; id <= 3; id += 1) group.add(confState([1, 2, 3]));
    const { node } = group.host(1);
    node.campaign();
    group.settle();
    const before = node.status();
    expect(node.step(message({ type: 'AppResp', to: 1, from: 2, term: 1, index: 3 }))).toBe('malformed');
    expect(node.status()).toEqual(before);
  });
});
