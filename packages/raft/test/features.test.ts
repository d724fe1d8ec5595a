import { describe, expect, it } from 'vitest';
import type { Entry } from '../src/index.ts';
import { message } from '../src/messages.ts';
import { bytes, confState, Group, type Host, type Options, text } from './group.ts';

const OPTIONS: Options = { electionTicks: 10, heartbeatTicks: 1 };

/** Nodes 1 to `count`, of which the first leads. */
function ledByFirst(count: number, options: Partial<Options> = {}): Group {
  const group = new Group({ ...OPTIONS, ...options });
  const voters = Array.from({ length: count }, (_, i) => i + 1);
  for (const _ of voters) group.add(confState(voters));
  group.host(1).node.campaign();
  group.settle();
  expect(roles(group)[0]).toBe('leader');
  return group;
}

function roles(group: Group): readonly string[] {
  return group.hosts.map(({ node }) => node.basicStatus().role);
}

/** What this node may answer by now, by the names of the reads. */
function answered({ reads }: Host): readonly string[] {
  return reads.map(({ context }) => text(context));
}

describe('the stickiness of leaders', () => {
  it('is on by default: a node that comes back from an island deposes nobody', () => {
    const group = ledByFirst(3);
    group.tick(50, ({ from, to }) => from === 3 || to === 3);
    group.tick(50);
    expect(roles(group)).toEqual(['leader', 'follower', 'follower']);
    expect(group.host(1).node.basicStatus().term).toBe(1);
  });

  it('lets a leader that hears from no quorum step down', () => {
    const group = ledByFirst(3);
    group.tick(25, ({ from, to }) => from === 1 || to === 1);
    expect(roles(group)[0]).not.toBe('leader');
    expect(group.leader()).toBeDefined();
  });
});

describe('a node that does not stand', () => {
  it('never campaigns, but votes', () => {
    const group = ledByFirst(3);
    const { node } = group.host(2);
    node.standing = false;
    expect([node.standing, node.campaign()]).toEqual([false, 'not-electable']);
    group.host(1).node.transferLeader(2);
    group.tick(11);
    expect(roles(group)).toEqual(['leader', 'follower', 'follower']);
    expect(group.host(1).node.propose(bytes('taken again'))).toBe('ok');
    group.tick(60, ({ to, from }) => to === 1 || from === 1);
    expect(roles(group).slice(1)).toEqual(['follower', 'leader']);
  });

  it('gives up its campaign, but not its leadership', () => {
    const group = ledByFirst(3);
    const [leader, other] = [group.host(1).node, group.host(2).node];
    leader.standing = false;
    group.tick(5);
    expect(roles(group)[0]).toBe('leader');
    other.campaign();
    other.standing = false;
    group.settle();
    expect(roles(group)[1]).toBe('follower');
    other.standing = true;
    leader.transferLeader(2);
    group.settle();
    expect(roles(group).slice(0, 2)).toEqual(['follower', 'leader']);
  });

  it('follows as before', () => {
    const group = ledByFirst(3);
    group.host(2).node.standing = false;
    expect(group.host(2).node.basicStatus()).toMatchObject({ leader: 1, vote: 1 });
  });
});

describe('a leader that steps down', () => {
  it('follows nobody in its term, and takes part again like any other', () => {
    const group = ledByFirst(3);
    const { node } = group.host(1);
    node.propose(bytes('kept'));
    node.stepDown();
    expect(node.basicStatus()).toMatchObject({ role: 'follower', term: 1, leader: 0 });
    expect(node.propose(bytes('late'))).toBe('no-leader');
    group.host(2).node.stepDown();
    expect(group.host(2).node.basicStatus().leader).toBe(1);
    group.tick(30);
    expect(roles(group).toSorted()).toEqual(['follower', 'follower', 'leader']);
    expect(group.leader()?.node.basicStatus().term).toBe(2);
    expect(group.host(3).applied).toEqual(group.host(1).applied);
  });

  it('does so when it has removed itself', () => {
    const group = ledByFirst(3);
    const changes = [{ type: 'remove-node', nodeId: 1 }] as const;
    group.host(1).node.proposeConfChange({ version: 2, transition: 'auto', changes });
    group.settle();
    expect(roles(group)[0]).toBe('follower');
    group.tick(30);
    expect(roles(group).slice(1)).toContain('leader');
  });
});

describe('priorities', () => {
  it('bring leadership to the most wanted node that has caught up', () => {
    const group = ledByFirst(3, { priority: (id) => id });
    group.tick(30);
    expect(roles(group)).toEqual(['follower', 'follower', 'leader']);
  });

  it('do not disturb a leader while the most wanted node cannot be reached', () => {
    const group = ledByFirst(3, { priority: (id) => (id === 3 ? 1 : 0) });
    group.tick(100, ({ from, to }) => from === 3 || to === 3);
    expect(roles(group).slice(0, 2)).toEqual(['leader', 'follower']);
    expect(group.host(1).node.propose(bytes('still taken'))).toBe('ok');
  });
});

describe('a proposal that goes nowhere', () => {
  it('is told why', () => {
    const group = ledByFirst(3, { maxUncommittedSize: 10, disableProposalForwarding: true });
    const [leader, follower] = [group.host(1).node, group.host(2).node];
    expect(follower.propose(bytes('mine'))).toBe('no-leader');
    expect(leader.propose(bytes('as much as may be'))).toBe('ok');
    expect(leader.propose(bytes('more'))).toBe('overloaded');
    group.settle();
    leader.transferLeader(2);
    expect(leader.propose(bytes('late'))).toBe('transferring');
    follower.campaign();
    expect([follower.propose(bytes('early')), follower.readIndex(bytes('early'))]).toEqual(['no-leader', 'no-leader']);
  });
});

describe('a witness', () => {
  it('votes and counts for commits, but never campaigns', () => {
    const group = new Group(OPTIONS);
    const voters = confState([1, 2]);
    group.add(voters);
    group.add(voters, { witness: true });
    group.host(2).node.campaign();
    group.tick(15);
    expect(roles(group)).toEqual(['leader', 'follower']);
    group.host(1).node.propose(bytes('kept twice'));
    group.settle();
    expect(group.host(1).applied).toEqual(['kept twice']);
    group.tick(60, () => true);
    expect(roles(group)[1]).toBe('follower');
  });
});

describe('a learner', () => {
  it('is promoted once it has caught up, not before', () => {
    const group = ledByFirst(1);
    group.add(confState([]));
    const { node } = group.host(1);
    node.proposeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'add-learner', nodeId: 2 }] });
    group.tick(25, ({ to }) => to === 2);
    expect([node.hasCaughtUp(2), node.promoteLearner(2)]).toEqual([false, 'not-caught-up']);
    group.tick(25);
    expect([node.hasCaughtUp(2), group.host(2).node.hasCaughtUp(2)]).toEqual([true, false]);
    expect(node.promoteLearner(2)).toBe('ok');
    group.settle();
    expect(group.host(2).conf).toEqual(confState([1, 2]));
  });
});

describe('a read', () => {
  it('is not answered by a leader that others have replaced', () => {
    const group = ledByFirst(3, { checkQuorum: false });
    const lost = ({ from, to }: { from: number; to: number }): boolean => (from === 1) !== (to === 1);
    group.host(2).node.campaign();
    group.settle(lost);
    group.host(2).node.propose(bytes('news'));
    group.settle(lost);
    group.host(1).node.readIndex(bytes('stale?'));
    group.settle(lost);
    expect(roles(group).slice(0, 2)).toEqual(['leader', 'leader']);
    expect(answered(group.host(1))).toEqual([]);
  });

  it('is not confirmed by a late answer to an older one of the same name', () => {
    const group = ledByFirst(3);
    const { node, reads } = group.host(1);
    node.readIndex(bytes('name'));
    group.handleReady(group.host(1));
    for (const m of group.network.splice(0)) group.deliver(m);
    for (const host of group.hosts) group.handleReady(host);
    const answers = group.network.splice(0);
    const [first, second] = answers;
    expect(answers.map(({ type }) => type)).toEqual(['HeartbeatResp', 'HeartbeatResp']);
    if (first) group.deliver(first);
    group.handleReady(group.host(1));
    expect(reads.splice(0)).toHaveLength(1);
    node.readIndex(bytes('name'));
    if (second) group.deliver(second);
    group.handleReady(group.host(1));
    expect(reads).toHaveLength(0);
  });

  it('is answered when its leader is left alone by a change of the configuration', () => {
    const group = ledByFirst(2);
    const { node } = group.host(1);
    node.proposeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'remove-node', nodeId: 2 }] });
    node.readIndex(bytes('alone'));
    group.settle(({ type }) => type === 'HeartbeatResp');
    expect(group.host(1).conf.voters).toEqual([1]);
    expect(answered(group.host(1))).toEqual(['alone']);
  });

  it('on a follower is answered by its leader', () => {
    const group = ledByFirst(3);
    group.host(2).node.readIndex(bytes('mine'));
    group.settle();
    expect(answered(group.host(2))).toEqual(['mine']);
    expect(group.host(2).reads[0]?.index).toBe(2);
  });

  it('waits for the first commit of the term', () => {
    const group = ledByFirst(3);
    group.host(2).node.transferLeader(2);
    group.host(1).node.transferLeader(2);
    group.settle(({ type, from }) => type === 'AppResp' && from !== 2);
    expect(roles(group)[1]).toBe('leader');
    group.host(2).node.readIndex(bytes('early'));
    group.settle(({ type, from }) => type === 'AppResp' && from !== 2);
    expect(answered(group.host(2))).toEqual([]);
    group.tick(1);
    expect(answered(group.host(2))).toEqual(['early']);
  });
});

describe('a lease', () => {
  const TICK_MS = 10;
  const time = { now: 0 };

  /** Three nodes with leases, of which the first leads and has just been confirmed. */
  function withLease(): Group {
    time.now = 1000;
    const lease = { now: () => time.now, tickMs: TICK_MS, maxDrift: 0.1 };
    const group = ledByFirst(3, { lease });
    group.tick(1);
    return group;
  }

  /** Whether the first node answers a read with nobody's help. */
  function answersAlone(group: Group): boolean {
    const host = group.host(1);
    host.reads.length = 0;
    host.node.readIndex(bytes('alone?'));
    group.settle(() => true);
    return host.reads.length > 0;
  }

  it('answers reads without a message, until shortly before a follower could vote for another', () => {
    const group = withLease();
    // Ten ticks but the first, at the pace of the fastest clock there may be.
    time.now += 9 * TICK_MS * 0.9 - 1;
    expect(answersAlone(group)).toBe(true);
    time.now += 1;
    expect(answersAlone(group)).toBe(false);
  });

  it('is counted from when the heartbeats were sent, not from when they were answered', () => {
    const group = withLease();
    const host = group.host(1);
    host.node.tick();
    group.handleReady(host);
    const heartbeats = group.network.splice(0);
    time.now += 9 * TICK_MS;
    group.network.push(...heartbeats);
    for (const m of group.network.splice(0)) group.deliver(m);
    group.settle();
    expect(answersAlone(group)).toBe(false);
  });

  it('is told until when it holds, where it does', () => {
    const group = withLease();
    const { node } = group.host(1);
    expect(node.leaseUntil()).toBe(1000 + 9 * TICK_MS * 0.9);
    expect(group.host(2).node.leaseUntil()).toBe(-Infinity);
    time.now += 5;
    group.tick(1);
    expect(node.leaseUntil()).toBe(1005 + 9 * TICK_MS * 0.9);
    node.transferLeader(2);
    group.settle(({ type }) => type === 'TimeoutNow');
    expect(node.leaseUntil()).toBe(-Infinity);
    node.stepDown();
    expect([node.leaseUntil(), ledByFirst(3).host(1).node.leaseUntil()]).toEqual([-Infinity, -Infinity]);
  });

  it('is not told before the first commit of the term', () => {
    const group = ledByFirst(3, { lease: { now: () => 0, tickMs: TICK_MS, maxDrift: 0 } });
    group.host(1).node.transferLeader(2);
    group.settle(({ type }) => type === 'App' || type === 'AppResp');
    for (let i = 0; i < 3; i += 1) {
      group.host(2).node.tick();
      group.settle(({ type }) => type === 'App' || type === 'AppResp');
    }
    expect(roles(group)[1]).toBe('leader');
    expect(group.host(2).node.leaseUntil()).toBe(-Infinity);
    group.tick(2);
    expect(group.host(2).node.leaseUntil()).toBeGreaterThan(0);
  });

  it('ends with a transfer, even one that was given up', () => {
    const group = withLease();
    group.host(1).node.transferLeader(2);
    group.settle(({ type }) => type === 'TimeoutNow');
    group.tick(11);
    expect(roles(group)[0]).toBe('leader');
    expect(answersAlone(group)).toBe(false);
  });

  it('outlives a change of the voters: each quorum of the next set shares a node with the one that promised', () => {
    const group = withLease();
    const { node } = group.host(1);
    expect(answersAlone(group)).toBe(true);
    node.proposeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'remove-node', nodeId: 3 }] });
    group.settle();
    expect(node.status().config.voters.incoming.has(3)).toBe(false);
    expect(answersAlone(group)).toBe(true);
  });

  it('binds followers, through restarts and higher terms, until the leader has to know', () => {
    const group = withLease();
    group.restart(group.host(2));
    const { node } = group.host(2);
    expect(node.campaign()).toBe('not-electable');
    node.step(message({ type: 'PreVoteResp', from: 3, to: 2, term: 7, reject: true }));
    const request = message({ type: 'Vote', from: 3, to: 2, term: 8, index: 9, logTerm: 7 });
    node.step(request);
    expect(node.basicStatus()).toMatchObject({ term: 7, vote: 0 });
    for (let i = 0; i < 10; i += 1) node.tick();
    node.step(request);
    expect(node.basicStatus()).toMatchObject({ term: 8, vote: 3 });
  });

  it('is refused without what makes it safe', () => {
    const build =
      (options: Partial<Options>): (() => unknown) =>
      () =>
        new Group({ ...OPTIONS, ...options }).add(confState([1]));
    const lease = { now: () => 0, tickMs: 10, maxDrift: 0.1 };
    expect(build({ lease, checkQuorum: false })).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(build({ lease: { ...lease, maxDrift: 1 } })).toThrow(/maxDrift/u);
    expect(build({ lease: { ...lease, tickMs: 0 } })).toThrow(/tickMs/u);
  });
});

describe('what a host makes of proposals', () => {
  it('is the entry, in the log and for the followers, wherever it is handed out', () => {
    const made = new Set<Entry>();
    const makeEntry = (fields: Entry): Entry => {
      const entry = { ...fields, mark: 'of the host' };
      made.add(entry);
      return entry;
    };
    const group = ledByFirst(3, { makeEntry });
    for (const name of ['a', 'b']) group.host(1).node.propose(bytes(name));
    group.settle();
    const entries = [...made];
    expect(entries.map(({ index, term, data }) => [index, term, text(data)])).toEqual([
      [2, 1, ''],
      [3, 1, 'a'],
      [4, 1, 'b'],
    ]);
    for (const { storage, applied } of group.hosts) {
      expect(applied.filter((name) => name !== '')).toEqual(['a', 'b']);
      for (const entry of entries) {
        const [stored] = storage.entries(entry.index, entry.index + 1, Infinity) ?? [];
        expect(stored).toBe(entry);
      }
    }
  });
});
