import { describe, expect, it } from 'vitest';
import { EventLog } from '../src/event-log.ts';
import { system } from './three-nodes.ts';

const never = new AbortController().signal;
const { clock, random } = system;

describe('the log of events', () => {
  it('tells what came behind a number, each once and in order', async () => {
    const log = new EventLog(clock, random, 10);
    for (const text of ['first', 'second', 'third']) log.add('joined', text, 'b');
    const all = await log.read({}, 0, never);
    expect(all.events.map(({ number, text }) => [number, text])).toEqual([
      [1, 'first'],
      [2, 'second'],
      [3, 'third'],
    ]);
    expect(await log.read({ session: all.session, after: 2 }, 0, never)).toMatchObject({
      events: [{ number: 3, type: 'joined', nodeId: 'b' }],
      last: 3,
      lost: 0,
      isOtherSession: false,
    });
    expect(await log.read({ session: all.session, after: 3 }, 0, never)).toMatchObject({ events: [], last: 3 });
  });

  it('says how many it has kept no more', async () => {
    const log = new EventLog(clock, random, 10);
    const { session } = await log.read({}, 0, never);
    for (let number = 1; number <= 25; number += 1) log.add('error', String(number));
    const report = await log.read({ session, after: 3 }, 0, never);
    expect(report).toMatchObject({ lost: 12, last: 25 });
    expect(report.events.map(({ number }) => number)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  });

  it('says that a number is of another run, and tells all of this one', async () => {
    const log = new EventLog(clock, random, 10);
    log.add('error', 'only');
    const report = await log.read({ session: '0'.repeat(32), after: 900 }, 0, never);
    expect(report).toMatchObject({ isOtherSession: true, lost: 0, events: [{ number: 1 }] });
  });

  it('answers in parts that fit into a frame', async () => {
    const log = new EventLog(clock, random, 1000);
    for (let number = 1; number <= 300; number += 1) log.add('error', 'x'.repeat(2000));
    let after = 0;
    let parts = 0;
    while (after < 300) {
      const report = await log.read({ after }, 0, never);
      expect(JSON.stringify(report).length).toBeLessThan(64 * 1024);
      expect(report.lost).toBe(0);
      after = report.last;
      parts += 1;
    }
    expect(parts).toBeGreaterThan(2);
  });

  it('has who waits told at once, and lets go of who gives up', async () => {
    const log = new EventLog(clock, random, 10);
    const waiting = log.read({}, 30_000, never);
    log.add('left', 'b has left\u001b[2J', 'b');
    expect((await waiting).events).toMatchObject([{ text: 'b has left\\u{1b}[2J' }]);
    const giving = new AbortController();
    const given = log.read({ after: 1 }, 30_000, giving.signal);
    giving.abort();
    await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await log.read({ after: 1 }, 1, never)).events).toEqual([]);
    const crowd = Array.from({ length: 257 }, () => log.read({ after: 1 }, 30_000, never));
    await expect(crowd.at(-1)).rejects.toMatchObject({ code: 'OVERLOADED' });
    log[Symbol.dispose]();
    for (const each of crowd)
      await expect(each).rejects.toMatchObject({ code: expect.stringMatching(/CLOSED|OVERL/u) });
  });
});
