import { describe, expect, it } from 'vitest';

import { settingsFrom } from '../../src/options.ts';
import { decodePacket, encodePacket } from '../../src/protocol/packet-codec.ts';
import { RumourQueue } from '../../src/protocol/rumour-queue.ts';
import { SwimWorld, type WorldNode } from './swim-world.ts';

const user = (text: string) => ({ type: 'user', topic: 128, payload: new TextEncoder().encode(text) }) as const;

/** Node `c` in its run 2, which knows `a` and `b` while what it tells them is lost. */
function backUnheard(world: SwimWorld): WorldNode {
  const again = world.start('c again', { id: 'c', run: 2, at: 'c' });
  world.cut('c again', 'a');
  world.cut('c again', 'b');
  again.swim.merge([...world.node('a').swim.capture()], 'a', world.now);
  world.run(1000);
  return again;
}

describe('a machine in a bad place', () => {
  it('rumours that were sent more often than a cluster that has shrunk allows are over', () => {
    const queue = new RumourQueue(100);
    for (let n = 0; n < 10; n += 1) queue.add(`u${n}`, user(`${n}`));
    for (let n = 0; n < 6; n += 1) queue.take(10_000, 12);
    // The cluster has shrunk: the limit is lower than what each was sent already.
    for (let n = 0; n < 100; n += 1) queue.take(10_000, 4);
    expect(queue.size).toBe(0);
  });

  it('a small cluster that was large does not send empty packets for ever', () => {
    const world = new SwimWorld();
    const names = Array.from({ length: 12 }, (_, at) => `n${at}`);
    world.form(...names);
    const first = world.node('n0');
    // Sent 5 to 7 times of 8 by the time most are gone.
    first.swim.spread(128, new TextEncoder().encode('hello'), world.now);
    world.run(450);
    for (const name of names.slice(3)) world.node(name).swim.leave(world.now);
    world.run(100);
    for (const name of names.slice(3)) world.node(name).kill();
    world.run(20_000);
    let sent = 0;
    world.onSent = (_from, _to, packet) => (sent += packet.messages.length === 0 ? 1 : 0);
    world.run(10_000);
    expect(sent).toBe(0);
  });

  it('a node that leaves right after it has met others does not come back', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'c');
    world.start('d');
    world.exchange('d', 'a');
    world.run(20);
    world.node('d').swim.leave(world.now);
    world.run(300);
    world.node('d').kill();
    world.run(200);
    expect([world.node('a').sees('d'), world.node('b').sees('d')]).not.toContain('alive');
  });

  it('nor does one whose address becomes known, or whose metadata change, while it leaves, come back', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'c');
    const node = { ...world.node('c').swim.self.node, metadata: { drained: 'yes' } };
    world.node('c').swim.leave(world.now);
    world.run(50);
    expect(world.node('a').sees('c')).toBe('left');
    world.node('c').swim.describe(node, world.now);
    world.run(1_000);
    expect([world.node('a').sees('c'), world.node('b').sees('c')]).toEqual(['left', 'left']);
  });

  it('one pause is one pause, when what was queued is read before the timer runs', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'c');
    const { swim } = world.node('a');
    const before = swim.stats.pauses;
    const late = world.now + 5_000;
    // As Node does it, when the loop was blocked by a handler of a socket: the other sockets that are ready come first.
    for (let n = 0; n < 50; n += 1) {
      swim.receive({ sender: 'b', run: 1, messages: [{ type: 'nack', sequence: 7 }] }, world.node('b').address, late);
    }
    swim.tick(late);
    expect(swim.stats.pauses - before).toBe(1);
    expect(swim.localHealth).toBe(1);
  });

  it('a suspicion is not put off by more than the pause', () => {
    const world = new SwimWorld({ settings: { streamProbes: false } });
    world.form('a', 'b', 'c');
    world.node('c').darken();
    const a = world.node('a');
    for (let n = 0; n < 100 && a.sees('c') !== 'suspect'; n += 1) world.run(50);
    expect(a.sees('c')).toBe('suspect');
    const late = world.now + 5_000;
    for (let n = 0; n < 50; n += 1) {
      a.swim.receive({ sender: 'b', run: 1, messages: [{ type: 'nack', sequence: 7 }] }, world.node('b').address, late);
    }
    for (let now = late; now < late + 60_000 && a.sees('c') === 'suspect'; now += 10)
      if (a.swim.nextTickAt <= now) a.swim.tick(now);
    expect(a.sees('c')).toBe('unreachable');
  });

  it('nor by more than the pause, when it came in the last look', () => {
    const world = new SwimWorld({ settings: { streamProbes: false } });
    world.form('a', 'b');
    world.node('b').darken();
    const a = world.node('a');
    for (let n = 0; n < 500 && a.sees('b') !== 'suspect'; n += 1) world.run(10);
    // With so few its last look begins with the suspicion.
    world.run(100);
    expect(a.sees('b')).toBe('suspect');
    a.stall(60_000);
    world.run(60_000);
    expect(a.sees('b')).toBe('suspect');
    world.run(2_000);
    expect(a.sees('b')).toBe('unreachable');
  });

  it('where lines are slow, and the timeouts raised for them, nobody who lives is given up', () => {
    const { swim: settings } = settingsFrom({ protocol: { probeTimeoutMs: 1000, probeDeadlineMs: 2500 } });
    const world = new SwimWorld({ settings, delayMs: [300, 400], exchangesEveryMs: 5000 });
    world.form(...Array.from({ length: 8 }, (_, at) => `n${at}`));
    world.run(10_000);
    const given: string[] = [];
    world.onChange = (at, { type, member }) => {
      if (type === 'failed') given.push(`${at.name} gave up ${member.id}`);
    };
    world.loss = 0.25;
    world.run(60_000);
    expect(given).toEqual([]);
  });

  it('who leaves probes nobody any more, whom it suspects neither', () => {
    const world = new SwimWorld({ settings: { streamProbes: false } });
    const others = ['b', 'c', 'd', 'e', 'f'];
    world.form('a', ...others, 'z');
    const a = world.node('a');
    world.node('z').darken();
    for (let n = 0; n < 1000 && a.sees('z') !== 'suspect'; n += 1) world.run(5);
    expect(a.sees('z')).toBe('suspect');
    // Nobody tells it that the suspect is dead.
    for (const other of others) world.cut('a', other);
    a.swim.leave(world.now);
    let pings = 0;
    world.onSent = (from, _to, { messages }) => {
      pings += from === a && messages.some(({ type }) => type === 'ping') ? 1 : 0;
    };
    world.run(30_000);
    expect(pings).toBe(0);
  });

  it('one that knows all, and of whom nobody has heard, is soon known to all', () => {
    const world = new SwimWorld();
    const names = ['a', 'b', 'c', 'e'];
    world.form(...names);
    const d = world.start('d');
    // It hears of all others, and all that it says of itself is lost.
    for (const name of names) world.cut('d', name);
    d.swim.merge([...world.node('a').swim.capture('d')], 'a', world.now);
    world.run(1500);
    expect(d.swim.self.joinOrder).toBeGreaterThan(0);
    expect(names.map((name) => world.node(name).sees('d'))).toEqual(names.map(() => undefined));
    world.heal();
    world.run(6000);
    expect(names.map((name) => world.node(name).sees('d'))).toEqual(names.map(() => 'alive'));
    expect(names.map((name) => d.sees(name))).toEqual(names.map(() => 'alive'));
  });

  it('a later run of a known node that nobody has heard of is asked who it is, too', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'c');
    world.node('c').kill();
    world.run(10_000);
    backUnheard(world);
    expect(world.node('a').sees('c')).toBe('unreachable');
    world.heal();
    world.run(3000);
    expect([world.node('a').sees('c'), world.node('b').sees('c')]).toEqual(['alive', 'alive']);
  });

  it('so is one without storage, whose run is an earlier one by its number', () => {
    const world = new SwimWorld();
    world.form('a', 'b');
    world.start('c', { run: 7 });
    world.exchange('c', 'a');
    world.run(3000);
    world.node('c').kill();
    world.run(10_000);
    const again = backUnheard(world);
    expect([again.swim.self.epoch, world.node('a').sees('c')]).toEqual([1, 'unreachable']);
    world.heal();
    world.run(3000);
    expect([world.node('a').sees('c'), world.node('b').sees('c')]).toEqual(['alive', 'alive']);
  });

  it('the highest numbers that can be said make nobody unreadable', () => {
    const world = new SwimWorld();
    world.form('a', 'b', 'c');
    const c = world.node('c');
    const highest = Number.MAX_SAFE_INTEGER;
    const accusation = {
      type: 'suspect',
      id: 'c',
      epoch: 0,
      run: 1,
      refutation: highest,
      by: 'b',
      evidence: 'silent',
    } as const;
    c.swim.receive({ sender: 'b', run: 1, messages: [accusation] }, world.node('b').address, world.now);
    const { since: _, ...own } = c.swim.self;
    const bytes = encodePacket({ sender: 'c', run: 1, messages: [{ type: 'alive', member: own }] });
    expect(decodePacket(bytes)?.messages.length).toBe(1);
  });

  it('a place that is too high to be counted on is not read', () => {
    const world = new SwimWorld();
    world.form('a', 'b');
    const { since: _, ...b } = world.node('b').swim.self;
    const member = { ...b, refutation: b.refutation + 1, joinOrder: Number.MAX_SAFE_INTEGER };
    expect(decodePacket(encodePacket({ sender: 'b', run: 1, messages: [{ type: 'alive', member }] }))).toBeUndefined();
  });
});
