import { describe, expect, it } from 'vitest';
import { VoteGroup } from './vote-group.ts';

const elect = (group: VoteGroup, id: string) => {
  group.input(id, (node) => node.stand(group.now));
  group.runUntil(group.now + 150);
  for (const other of ['a', 'b', 'c']) if (other !== id) group.input(other, (node) => node.stand(group.now));
};

describe('three voters', () => {
  it('elect: pre-vote, vote, heartbeat', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    expect(group.transcript()).toMatchInlineSnapshot(`
      " 150 a -> b pre-vote term 1
       150 a -> c pre-vote term 1
       150 b -> a pre-vote-reply term 1 granted
       150 c -> a pre-vote-reply term 1 granted
       150 a -> b vote term 1
       150 a -> c vote term 1
       150 b -> a vote-reply term 1 granted
       150 c -> a vote-reply term 1 granted
       150 a -> b heartbeat term 1 round 1
       150 a -> c heartbeat term 1 round 1
       150 b -> a heartbeat-ack term 1 round 1
       150 c -> a heartbeat-ack term 1 round 1"
    `);
    expect(group.node('a').leading?.term).toBe(1);
    expect(group.node('b').leader).toEqual({ nodeId: 'a', token: 1n });
  });

  it('renew the grant from the moment the heartbeat was sent', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    const first = group.node('a').leading?.deadline ?? 0;
    expect(first).toBeCloseTo(150 + (150 * 0.99) / 1.01);
    group.runUntil(200);
    expect(group.node('a').leading?.deadline).toBeCloseTo(first + 50);
  });

  it('let the grant of a leader that is cut off end before they elect another', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    group.cut('a');
    const deadline = group.node('a').leading?.deadline ?? 0;
    group.transcript();
    group.runUntil(deadline - 0.001);
    expect(group.node('a').leading).toBeDefined();
    expect(group.node('b').leading).toBeUndefined();
    group.runUntil(deadline);
    expect(group.node('a').leading).toBeUndefined();
    group.runUntil(331);
    expect(
      group
        .transcript()
        .split('\n')
        .filter((line) => !/ a |-> a/u.test(line))
        .join('\n'),
    ).toMatchInlineSnapshot(`
      " 330 b -> c pre-vote term 2
       330 c -> b pre-vote-reply term 2 granted
       330 b -> c vote term 2
       330 c -> b vote-reply term 2 granted
       330 b -> c heartbeat term 2 round 1
       330 c -> b heartbeat-ack term 2 round 1"
    `);
    expect(group.node('b').leading?.term).toBe(2);
  });

  it('do not depose a healthy leader for one that returns', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    group.cut('c');
    group.runUntil(1000);
    group.mend('c');
    group.runUntil(2000);
    expect(group.node('a').leading?.term).toBe(1);
    expect(group.node('c').leader).toEqual({ nodeId: 'a', token: 1n });
  });

  it('hand over without waiting for a promise to end', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    group.runUntil(210);
    group.transcript();
    group.input('a', (node) => node.handOver('c', group.now));
    expect(group.node('a').leading).toBeUndefined();
    group.deliver();
    expect(group.transcript()).toMatchInlineSnapshot(`
      " 210 a -> c hand-over term 1
       210 c -> a vote term 2 released 1
       210 c -> b vote term 2 released 1
       210 a -> c vote-reply term 2 granted
       210 b -> c vote-reply term 2 granted
       210 c -> a heartbeat term 2 round 1
       210 c -> b heartbeat term 2 round 1
       210 a -> c heartbeat-ack term 2 round 1
       210 b -> c heartbeat-ack term 2 round 1"
    `);
    expect(group.node('c').leading?.term).toBe(2);
  });

  it('release their promises when a leader resigns with no successor', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    group.runUntil(210);
    group.input('a', (node) => node.handOver(undefined, group.now));
    group.deliver();
    group.runUntil(211);
    expect(group.node('b').leading?.term).toBe(2);
  });

  it('use a lost connection as a hint only: the promise is kept', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    elect(group, 'a');
    group.cut('a');
    group.runUntil(160);
    group.input('b', (node) => node.peerLost('a', group.now));
    group.input('c', (node) => node.peerLost('a', group.now));
    group.runUntil(299.9);
    expect(group.node('b').leading).toBeUndefined();
    group.runUntil(300);
    expect(group.node('b').leading?.term).toBe(2);
  });

  it('count no vote that is not on the disk', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    group.stallDisk('a');
    elect(group, 'a');
    expect(group.node('a').leading).toBeUndefined();
    group.input('a', (node) => node.recorded(node.recordVersion, group.now));
    expect(group.node('a').leading?.term).toBe(1);
  });

  it('tell no vote that is not on the disk', () => {
    const group = new VoteGroup(['a', 'b', 'c']);
    group.stallDisk('b');
    group.stallDisk('c');
    elect(group, 'a');
    expect(group.node('a').leading).toBeUndefined();
    expect(group.transcript()).not.toMatch(/ vote-reply/u);
  });

  it('yield to a candidate of higher priority that has been there for a while', () => {
    const group = new VoteGroup(['a', 'b', 'c'], { priorities: { c: 5 } });
    for (const id of ['a', 'b', 'c']) group.input(id, (node) => node.stand(group.now));
    group.runUntil(200);
    expect(group.node('a').leading).toBeDefined();
    group.runUntil(1000);
    expect(group.node('c').leading).toBeDefined();
  });

  it('prefer the higher priority when the leader is lost', () => {
    const group = new VoteGroup(['a', 'b', 'c'], { priorities: { c: 5 } });
    elect(group, 'a');
    group.cut('a');
    group.runUntil(400);
    expect(group.node('c').leading).toBeDefined();
  });
});

describe.each([1, 2, 4, 5])('%i voters', (count) => {
  it('elect with a majority of the electorate, and with no fewer', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].slice(0, count);
    const group = new VoteGroup(ids);
    const majority = Math.floor(count / 2) + 1;
    for (const id of ids.slice(majority - 1)) if (id !== 'a') group.cut(id);
    group.input('a', (node) => node.stand(group.now));
    group.runUntil(1000);
    expect(group.node('a').leading === undefined).toBe(majority > 1);
    const last = ids[majority - 1];
    if (last !== undefined) group.mend(last);
    group.runUntil(2000);
    expect(group.node('a').leading).toBeDefined();
  });
});
