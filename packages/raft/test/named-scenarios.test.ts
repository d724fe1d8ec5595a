import { describe, expect, it } from 'vitest';
import type { Message } from '../src/index.ts';
import { bytes, confState, Group, type Options } from './group.ts';

const BASE: Options = { electionTicks: 10, heartbeatTicks: 1 };
const FIVE = confState([1, 2, 3, 4, 5]);

function group(count: number, options: Options = BASE, own: (id: number) => Partial<Options> = () => ({})): Group {
  const made = new Group(options);
  const voters = confState(Array.from({ length: count }, (_, at) => at + 1));
  for (let id = 1; id <= count; id += 1) made.add(voters, own(id));
  return made;
}

describe('scenarios that broke others, in the state machine alone', () => {
  it('two leaders and their entries of old terms: what a quorum has of an old term is not committed by that (figure 8)', () => {
    // One entry a message, so that an old entry can be replicated without the leader's own.
    const made = new Group({
      ...BASE,
      preVote: false,
      checkQuorum: false,
      maxSizePerMessage: 0,
      maxCommittedSizePerReady: 1,
    });
    for (let id = 1; id <= 5; id += 1) made.add(FIVE);
    const [s1, , s3, , s5] = made.hosts;
    if (s1 === undefined || s3 === undefined || s5 === undefined) throw new Error('five hosts');
    const only =
      (...members: readonly number[]) =>
      ({ from, to }: { readonly from: number; readonly to: number }) =>
        !members.includes(from) || !members.includes(to);
    s1.node.campaign();
    made.settle();
    s1.node.propose(bytes('of the first leader'));
    const index = s1.node.basicStatus().lastIndex;
    made.settle(only(1, 2));
    expect(s1.node.basicStatus().commit).toBe(index - 1);
    s5.node.campaign();
    made.settle((m) => only(3, 4, 5)(m) || m.type === 'App');
    expect(s5.node.basicStatus().role).toBe('leader');
    s1.restart();
    // Node 3 gets the old entry, and nothing of the new term.
    const term = () => s1.node.basicStatus().term;
    s1.node.campaign();
    made.settle(only(1, 2, 3, 4));
    s1.node.campaign();
    made.settle((m) => only(1, 2, 3, 4)(m) || (m.type === 'App' && m.entries.some((entry) => entry.term === term())));
    expect(s1.node.basicStatus().role).toBe('leader');
    expect(s1.node.basicStatus().commit).toBeLessThan(index);
    // So the second leader may come back and replace it.
    s5.restart();
    for (let tries = 0; tries < 5 && s5.node.basicStatus().role !== 'leader'; tries += 1) {
      s5.node.campaign();
      made.settle(only(2, 3, 4, 5));
    }
    s5.node.propose(bytes('of the second leader'));
    made.settle();
    for (const host of made.hosts) expect(host.applied).not.toContain('of the first leader');
  });

  it('pre-vote in mixed versions, on some nodes only: there is a leader again after each has been cut off', () => {
    for (const without of [1, 2, 3]) {
      const made = group(3, BASE, (id) => (id === without ? { preVote: false } : {}));
      made.host(1).node.campaign();
      made.settle();
      for (const away of [1, 2, 3]) {
        for (let tick = 0; tick < 60; tick += 1) made.tick(1, ({ from, to }) => from === away || to === away);
        made.tick(100);
        const leaders = made.hosts.filter((host) => host.node.basicStatus().role === 'leader');
        expect([without, away, leaders.length]).toEqual([without, away, 1]);
        const [leader] = leaders;
        leader?.node.propose(bytes(`${without} ${away}`));
        made.settle();
        made.tick(3);
        for (const host of made.hosts) expect(host.applied.at(-1)).toBe(`${without} ${away}`);
      }
    }
  });

  it('delayed and reordered acknowledgements: each is taken for what it says, whenever it comes', () => {
    const made = group(3);
    const { node } = made.host(1);
    node.campaign();
    made.settle();
    const held: Message[] = [];
    for (let n = 1; n <= 6; n += 1) {
      node.propose(bytes(`entry ${n}`));
      made.settle((m) => m.type === 'AppResp' && m.to === 1 && m.from === 2 && (held.push(m), true));
    }
    const { commit, lastIndex } = node.basicStatus();
    expect([commit, held.length > 3]).toEqual([lastIndex, true]);
    for (const m of held.toReversed()) node.step(m);
    for (const m of held) node.step(m);
    made.settle();
    expect(node.status().progress.get(2)).toMatchObject({ match: lastIndex, state: 'replicate' });
    node.propose(bytes('after'));
    made.settle();
    expect(made.host(2).applied.at(-1)).toBe('after');
  });

  it('a read before the first commit of the term waits for it, and a reused context is no answer to a later read', () => {
    const made = group(3);
    const { node, reads } = made.host(1);
    made.host(2).node.campaign();
    made.settle();
    made.host(2).node.propose(bytes('committed by the last leader'));
    made.settle((m) => m.type === 'Heartbeat' || (m.type === 'App' && m.entries.length === 0));
    const known = made.host(2).node.basicStatus().commit;
    made.host(2).restart();
    node.campaign();
    made.settle((m) => m.type === 'AppResp');
    if (node.basicStatus().role !== 'leader') {
      made.tick(25, (m) => m.type === 'AppResp');
      node.campaign();
      made.settle((m) => m.type === 'AppResp');
    }
    expect(node.basicStatus().role).toBe('leader');
    node.readIndex(bytes('same'));
    made.settle((m) => m.type === 'AppResp');
    expect(reads).toEqual([]);
    made.tick(2);
    expect(reads).toMatchObject([{ context: bytes('same') }]);
    expect(reads[0]?.index).toBeGreaterThan(known);
    // The answers to the first round come again, after another read of the same name has begun.
    const late: Message[] = [];
    node.readIndex(bytes('same'));
    made.settle((m) => m.type === 'HeartbeatResp' && (late.push(m), true));
    expect(reads).toHaveLength(1);
    node.readIndex(bytes('same'));
    node.propose(bytes('later'));
    made.settle((m) => m.type === 'HeartbeatResp');
    for (const m of late) node.step(m);
    made.settle((m) => m.type === 'HeartbeatResp');
    // They answer the second read, and not the third.
    expect(reads).toHaveLength(2);
  });
});
