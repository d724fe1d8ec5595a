import { describe, expect, it } from 'vitest';
import { message } from '../src/messages.ts';
import { confState, Group, type Host } from './group.ts';

const lease = { now: () => 0, tickMs: 10, maxDrift: 0.1 };

function follower(asyncStorageWrites: boolean): { readonly group: Group; readonly host: Host } {
  const group = new Group({ electionTicks: 10, heartbeatTicks: 1, lease, asyncStorageWrites });
  return { group, host: group.add(confState([1, 2, 3])) };
}

describe('a promise to the leader', () => {
  it('holds against a request for a vote in the term that the node is in by now', () => {
    const { host } = follower(false);
    host.node.step(message({ type: 'Heartbeat', from: 2, to: 1 }, 2, 1));
    host.handleReady();
    // The answer to a pre-vote of before brings it to term 2, where it has no leader and has not voted.
    host.node.step(message({ type: 'PreVoteResp', from: 3, to: 1, reject: true }, 3, 2));
    host.node.step(message({ type: 'Vote', from: 3, to: 1, index: 1, logTerm: 1 }, 3, 2));
    expect(host.handleReady().map(({ type }) => type)).not.toContain('VoteResp');
    expect(host.node.basicStatus()).toMatchObject({ term: 2, vote: 0 });
  });

  it('is not given before the disk knows of a term, for a restart would forget it', () => {
    const { host } = follower(true);
    host.node.step(message({ type: 'Heartbeat', from: 2, to: 1 }, 2, 1));
    expect(host.handleReady()).toEqual([]);
    expect(host.finishAppend()).toMatchObject([{ type: 'HeartbeatResp', to: 2 }]);
    host.node.step(message({ type: 'Heartbeat', from: 2, to: 1 }, 2, 1));
    expect(host.handleReady()).toMatchObject([{ type: 'HeartbeatResp', to: 2 }]);
  });
});

describe('a node of which nobody has led the term that its disk knows', () => {
  function restarted(options: { readonly leaderlessTerm?: number; readonly asyncStorageWrites?: boolean }): Host {
    const host = new Group({ electionTicks: 10, heartbeatTicks: 1, lease, ...options }).add(confState([1, 2, 3]));
    host.storage.setHardState({ term: 1, vote: 0, commit: 1 });
    host.restart();
    return host;
  }

  it('has made no promise, and may be elected at once', () => {
    expect(restarted({}).node.campaign()).toBe('not-electable');
    expect(restarted({ leaderlessTerm: 1 }).node.campaign()).toBe('ok');
  });

  it('makes its first one when its disk knows a later term', () => {
    const host = restarted({ leaderlessTerm: 1, asyncStorageWrites: true });
    host.node.step(message({ type: 'Heartbeat', from: 2, to: 1 }, 2, 2));
    expect(host.handleReady()).toEqual([]);
    expect(host.finishAppend()).toMatchObject([{ type: 'HeartbeatResp', to: 2 }]);
    host.restart();
    expect(host.node.campaign()).toBe('not-electable');
  });
});

describe('a leader with a lease that is not for reads', () => {
  it('has every read confirmed by a round, and tells how long the lease holds', () => {
    const group = new Group({ electionTicks: 10, heartbeatTicks: 1, lease, leaseReads: false });
    for (let id = 1; id <= 3; id += 1) group.add(confState([1, 2, 3]));
    const { node } = group.host(1);
    node.campaign();
    group.settle();
    group.tick(2);
    expect(node.leaseUntil()).toBeGreaterThan(0);
    node.readIndex(new Uint8Array([1]));
    expect(
      group
        .host(1)
        .handleReady()
        .map(({ type }) => type),
    ).toEqual(['Heartbeat', 'Heartbeat']);
    expect(group.host(1).reads).toEqual([]);
    group.settle();
  });
});

describe('a lease', () => {
  it('outlives a change of the voters, and is renewed by answers of those who vote from then on', () => {
    const time = { now: 0 };
    const group = new Group({ electionTicks: 10, heartbeatTicks: 1, lease: { ...lease, now: () => time.now } });
    for (let id = 1; id <= 3; id += 1) group.add(confState([1, 2, 3]));
    group.add(confState([]));
    const { node } = group.host(1);
    node.campaign();
    group.settle();
    time.now = 10;
    group.tick();
    const until = node.leaseUntil();
    expect(until).toBeGreaterThan(time.now);
    time.now = 15;
    node.proposeConfChange({ version: 1, type: 'add-node', nodeId: 4 });
    group.settle();
    expect([...node.status().config.voters.incoming]).toEqual([1, 2, 3, 4]);
    expect(node.leaseUntil()).toBe(until);
    time.now = 20;
    group.tick();
    expect(node.leaseUntil()).toBeGreaterThan(until);
  });
});
