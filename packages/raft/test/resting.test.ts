import { describe, expect, it } from 'vitest';
import { bytes, confState, Group, type Host } from './group.ts';

/** A leader, two more voters, and a learner. */
function group(): Group {
  const made = new Group({ electionTicks: 10, heartbeatTicks: 1 });
  for (let id = 1; id <= 4; id += 1) made.add(confState([1, 2, 3], [4]));
  made.host(1).node.campaign();
  made.settle();
  return made;
}

/** Whether the leader may rest at its next check of the quorum. */
function restsAtCheck(made: Group): boolean {
  const { node } = made.host(1);
  for (let tick = 0; tick < 10 && !node.mayRest(); tick += 1) made.tick(1);
  return node.mayRest();
}

describe('a leader with nothing to do', () => {
  it('may rest once everyone has everything, just after it has checked its quorum', () => {
    const made = group();
    const { node } = made.host(1);
    expect(made.hosts.map((host) => host.node.mayRest())).toEqual([true, false, false, false]);
    node.propose(bytes('more'));
    expect(node.mayRest()).toBe(false);
    made.settle(({ to }) => to === 4);
    expect(node.mayRest()).toBe(false);
    expect(restsAtCheck(made)).toBe(true);
    made.tick(1);
    expect(node.mayRest()).toBe(false);
    expect(restsAtCheck(made)).toBe(true);
    node.reportUnreachable(3);
    expect(node.mayRest()).toBe(false);
    expect(restsAtCheck(made)).toBe(true);
  });

  it('may not while anything is under way', () => {
    const made = group();
    const { node } = made.host(1);
    node.readIndex(bytes('read'));
    made.settle(({ type }) => type === 'HeartbeatResp');
    expect(node.mayRest()).toBe(false);
    expect(restsAtCheck(made)).toBe(true);
    node.transferLeader(2);
    made.settle(({ type }) => type === 'TimeoutNow');
    expect(node.mayRest()).toBe(false);
    made.tick(11);
    expect(restsAtCheck(made)).toBe(true);
  });

  it('may not between the halves of a change', () => {
    const made = group();
    const { node } = made.host(1);
    const changes = [{ type: 'remove-node', nodeId: 3 }] as const;
    node.proposeConfChange({ version: 2, transition: 'joint-explicit', changes });
    made.tick(2);
    expect(made.host(1).conf.votersOutgoing).toEqual([1, 2, 3]);
    expect(node.mayRest()).toBe(false);
    node.proposeConfChange({ version: 2, transition: 'auto', changes: [] });
    expect(restsAtCheck(made)).toBe(true);
  });

  it('may not before it has written what the others have', () => {
    const made = new Group({ electionTicks: 10, heartbeatTicks: 1, asyncStorageWrites: true });
    for (let id = 1; id <= 3; id += 1) made.add(confState([1, 2, 3]));
    made.host(1).node.campaign();
    made.settle();
    const [leader, ...followers] = made.hosts as [Host, ...Host[]];
    leader.node.propose(bytes('slow disk'));
    for (let i = 0; i < 4; i += 1) {
      made.handleReady(leader);
      for (const m of made.network.splice(0)) made.deliver(m);
      for (const follower of followers) made.handleReady(follower);
      for (const follower of followers) made.network.push(...follower.finishAppend(), ...follower.finishApply());
    }
    expect(leader.appendWork).not.toEqual([]);
    expect([leader.node.basicStatus().commit, leader.node.mayRest()]).toEqual([3, false]);
    made.settle();
    expect(leader.node.mayRest()).toBe(true);
  });
});

describe('what every voter has', () => {
  it('is the least of what any of them has acknowledged, learners left out', () => {
    const made = group();
    const { node } = made.host(1);
    expect(node.minVoterMatch()).toBe(2);
    node.propose(bytes('more'));
    made.settle(({ to }) => to === 4);
    expect(node.minVoterMatch()).toBe(3);
    node.propose(bytes('and more'));
    made.settle(({ to }) => to === 3);
    expect([node.basicStatus().commit, node.minVoterMatch()]).toEqual([4, 3]);
    expect(made.host(2).node.minVoterMatch()).toBe(0);
  });

  it('counts both halves of a change', () => {
    const made = group();
    const { node } = made.host(1);
    const changes = [{ type: 'remove-node', nodeId: 3 }] as const;
    node.proposeConfChange({ version: 2, transition: 'joint-explicit', changes });
    made.settle();
    node.propose(bytes('more'));
    made.settle(({ to }) => to === 3);
    expect(node.minVoterMatch()).toBe(3);
    node.proposeConfChange({ version: 2, transition: 'auto', changes: [] });
    made.settle(({ to }) => to === 3);
    expect([made.host(1).conf.votersOutgoing, node.minVoterMatch()]).toEqual([[], 5]);
  });
});
