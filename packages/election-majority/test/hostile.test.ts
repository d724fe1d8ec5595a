import { describe, expect, it } from 'vitest';
import { VoteGroup } from './vote-group.ts';

const IDS = ['a', 'b', 'c'];

function elect(group: VoteGroup, id: string): void {
  group.input(id, (node) => node.stand(group.now));
  group.runUntil(group.now + 150);
}

describe('a peer that is broken', () => {
  it.each([Number.MAX_SAFE_INTEGER, 2 ** 40])('does not take the terms to their end by telling %d', (term) => {
    const group = new VoteGroup(IDS);
    elect(group, 'a');
    const common = {
      generation: 1,
      rules: 0,
      term,
      granted: false,
      voterTerm: term,
      retryAfterMs: 0,
      candidate: true,
      priority: 1,
    };
    group.send('c', 'a', { type: 'heartbeat-ack', ...common, round: 1 });
    group.send('c', 'a', { type: 'vote-reply', ...common });
    group.send('c', 'a', { type: 'pre-vote-reply', ...common });
    group.send('c', 'a', { type: 'vote', ...common, releasedTerm: term - 1 });
    group.send('c', 'a', { type: 'heartbeat', ...common, round: 1 });
    group.send('c', 'b', { type: 'hand-over', ...common });
    expect(group.node('a').leading?.term).toBe(1);
    expect(group.node('b').record.term).toBe(1);
  });

  it('does not take them there before the first election either', () => {
    const group = new VoteGroup(IDS);
    group.send('c', 'a', { type: 'heartbeat', generation: 1, rules: 0, term: Number.MAX_SAFE_INTEGER, round: 1 });
    expect(group.node('a').record.term).toBe(0);
  });

  it('does not make the leader forget its heartbeats by asking for ever', () => {
    const group = new VoteGroup(IDS);
    elect(group, 'a');
    group.cut('c');
    const before = group.node('a').leading?.deadline ?? 0;
    const asked = group.now + 50;
    group.silence('heartbeat-ack');
    group.transcript();
    group.runUntil(asked);
    const round = Number(/a -> b heartbeat term 1 round (\d+)$/mu.exec(group.transcript())?.[1]);
    for (let times = 0; times < 2000; times += 1) {
      group.send('c', 'a', { type: 'pre-vote', generation: 1, rules: 0, term: 2, priority: 1 });
    }
    group.send('b', 'a', {
      type: 'heartbeat-ack',
      generation: 1,
      rules: 0,
      term: 1,
      round,
      candidate: false,
      priority: 1,
    });
    expect(group.node('a').leading?.deadline).toBeGreaterThan(before);
  });

  it('is not followed when it is no voter', () => {
    const group = new VoteGroup(IDS);
    elect(group, 'a');
    group.send('stranger', 'a', { type: 'heartbeat', generation: 1, rules: 0, term: 9, round: 1 });
    group.send('stranger', 'b', { type: 'hand-over', generation: 1, rules: 0, term: 9 });
    group.send('stranger', 'c', { type: 'release', generation: 1, rules: 0, term: 9, successor: false });
    expect(group.node('a').leading?.term).toBe(1);
    expect(group.node('b').record.term).toBe(1);
    group.send('b', 'c', { type: 'vote', generation: 1, rules: 0, term: 2, releasedTerm: 0 });
    expect(group.transcript()).toMatch(/c -> b vote-reply term 2 refused/u);
  });
});

describe('a voter that forgets its term when it restarts', () => {
  /** `a` leads in term 5; its other voter `c` restarts, and is sent what was said before that. */
  function restarted(): VoteGroup {
    const group = new VoteGroup(IDS, { durable: false });
    group.runUntil(150);
    for (const id of IDS) group.send('b', id, { type: 'hand-over', generation: 1, rules: 0, term: 4 });
    elect(group, 'a');
    group.cut('b');
    group.runUntil(group.now + 50);
    group.restart('c');
    group.transcript();
    return group;
  }

  it('keeps its promise though a candidate tells of a leadership that was released', () => {
    const group = restarted();
    expect(group.node('a').leading?.term).toBe(5);
    group.send('b', 'c', { type: 'vote', generation: 1, rules: 0, term: 4, releasedTerm: 3 });
    expect(group.transcript()).toMatch(/c -> b vote-reply term 4 refused/u);
    group.send('b', 'c', { type: 'release', generation: 1, rules: 0, term: 9, successor: false });
    group.send('b', 'c', { type: 'vote', generation: 1, rules: 0, term: 10, releasedTerm: 0 });
    expect(group.transcript()).toMatch(/c -> b vote-reply term 10 refused/u);
  });

  it('keeps its promise though it hears a late heartbeat of a former leader', () => {
    const group = restarted();
    group.send('b', 'c', { type: 'heartbeat', generation: 1, rules: 0, term: 3, round: 1 });
    expect(group.transcript()).toBe('');
    group.send('b', 'c', { type: 'vote', generation: 1, rules: 0, term: 4, releasedTerm: 0 });
    expect(group.transcript()).toMatch(/c -> b vote-reply term 4 refused/u);
  });

  it('promises nothing new until what it may have promised has ended', () => {
    const group = restarted();
    const { now } = group;
    group.send('a', 'c', { type: 'heartbeat', generation: 1, rules: 0, term: 5, round: 2 });
    expect(group.transcript()).toBe('');
    group.now = now + 150;
    group.send('a', 'c', { type: 'heartbeat', generation: 1, rules: 0, term: 5, round: 3 });
    expect(group.transcript()).toMatch(/c -> a heartbeat-ack term 5 round 3/u);
  });

  it('keeps a promise made since, though another leads in a later term that it never voted in', () => {
    const group = restarted();
    group.now += 150;
    group.send('a', 'c', { type: 'heartbeat', generation: 1, rules: 0, term: 5, round: 2 });
    group.transcript();
    group.send('b', 'c', { type: 'heartbeat', generation: 1, rules: 0, term: 6, round: 1 });
    group.send('b', 'c', { type: 'vote', generation: 1, rules: 0, term: 7, releasedTerm: 6 });
    expect(group.transcript()).toMatch(/^ *\d+ c -> b vote-reply term 7 refused/u);
  });

  it('is freed by the word of its leader, and the successor is not hurried', () => {
    const group = new VoteGroup(IDS, { durable: false });
    group.runUntil(150);
    elect(group, 'a');
    for (const id of IDS) group.input(id, (node) => node.stand(group.now));
    group.runUntil(group.now + 60);
    group.input('a', (node) => node.handOver('c', group.now));
    group.deliver();
    expect(group.node('c').leading?.term).toBe(2);
    expect(group.node('b').leader?.nodeId).toBe('c');
  });
});

describe('a candidate of higher priority that cannot win', () => {
  it('is handed the leadership ever more seldom', () => {
    const group = new VoteGroup(IDS, { priorities: { c: 5 } });
    // It answers heartbeats at once, but its own vote is stored when the time to be elected has passed.
    group.slowDisk('c', 200);
    for (const id of IDS) group.input(id, (node) => node.stand(group.now));
    const handOvers: number[] = [];
    for (let time = 10; time < 40_000; time += 10) {
      group.runUntil(time);
      if (group.transcript().includes('-> c hand-over')) handOvers.push(time);
    }
    expect(handOvers.length).toBeGreaterThan(1);
    expect(handOvers.length).toBeLessThan(10);
  });
});

describe('a leader that was elected just now', () => {
  it('knows from the votes who stands', () => {
    const group = new VoteGroup(IDS, { priorities: { c: 5 } });
    for (const id of ['b', 'c']) group.input(id, (node) => node.stand(group.now + 1000));
    group.cut('c');
    group.input('a', (node) => node.stand(group.now));
    group.runUntil(149);
    group.mend('c');
    expect(group.node('a').successors).toEqual([]);
    group.silence('heartbeat-ack');
    group.runUntil(150);
    expect(group.node('a').leading).toBeDefined();
    expect(group.node('a').successors).toContain('b');
  });
});
