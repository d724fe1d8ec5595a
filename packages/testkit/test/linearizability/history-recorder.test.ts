import { ClusterError } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { checkLinearizable, HistoryRecorder, ticketModel, type TicketInput } from '../../src/index.ts';

const next: TicketInput = { type: 'next' };

function recorder() {
  const clock = { time: 0, now: () => clock.time };
  return { clock, recorder: new HistoryRecorder<TicketInput, number>(clock) };
}

describe('a recorder', () => {
  it('keeps what returned and what is unknown, and leaves out what failed', () => {
    const { clock, recorder: recording } = recorder();
    const a = recording.invoke('a', next);
    clock.time = 1;
    const b = recording.invoke('b', next);
    const c = recording.invoke('c', next);
    clock.time = 2;
    a.ok(7);
    b.fail();
    clock.time = 3;
    c.unknown();
    expect(recording.history).toEqual([
      { client: 'a', input: next, output: { value: 7 }, calledAt: 0, returnedAt: 2 },
      { client: 'c', input: next, output: 'unknown', calledAt: 1 + 2 ** -10, returnedAt: 3 },
    ]);
  });

  it('counts a call that has not ended as unknown', () => {
    const { recorder: recording } = recorder();
    recording.invoke('a', next);
    expect(recording.history).toEqual([
      { client: 'a', input: next, output: 'unknown', calledAt: 0, returnedAt: Infinity },
    ]);
    expect(checkLinearizable(ticketModel(), recording.history).verdict).toBe('linearizable');
  });

  it('is told the end of a call once', () => {
    const call = recorder().recorder.invoke('a', next);
    call.fail();
    expect(() => call.ok(1)).toThrow('told before');
  });

  it('knows which of two events at one time came first', () => {
    const { recorder: recording } = recorder();
    recording.invoke('a', next).ok(2);
    recording.invoke('b', next).ok(1);
    expect(checkLinearizable(ticketModel(), recording.history).verdict).toBe('not-linearizable');
  });

  it('records how a call ended, and passes that on', async () => {
    const { recorder: recording } = recorder();
    const failure = (outcome: 'not-applied' | 'unknown') => new ClusterError('TIMEOUT', 'no answer', { outcome });
    expect(await recording.record('a', next, () => Promise.resolve(1))).toBe(1);
    await expect(recording.record('b', next, () => Promise.reject(failure('not-applied')))).rejects.toThrow(
      'no answer',
    );
    await expect(recording.record('c', next, () => Promise.reject(failure('unknown')))).rejects.toThrow('no answer');
    await expect(recording.record('d', next, () => Promise.reject(new Error('no word of it')))).rejects.toThrow(
      'no word',
    );
    expect(recording.history.map(({ client, output }) => [client, output])).toEqual([
      ['a', { value: 1 }],
      ['c', 'unknown'],
      ['d', 'unknown'],
    ]);
  });

  it('records clients of a simulated world', async () => {
    const world = createWorld({ seed: 1 });
    const recording = new HistoryRecorder<TicketInput, number>({ now: () => world.now });
    let ticket = 0;
    const draw = async (racy: boolean) => {
      const seen = ticket;
      if (racy) await passed(1);
      ticket = seen + 1;
      await passed(1);
      return seen + 1;
    };
    const passed = (ms: number) => new Promise<void>((resolve) => void world.after(ms, resolve));
    const both = (racy: boolean) =>
      Promise.all(['a', 'b'].map((name) => recording.record(name, next, () => draw(racy))));
    await world.settled(both(false), 100);
    expect(checkLinearizable(ticketModel(), recording.history).verdict).toBe('linearizable');
    await world.settled(both(true), 100);
    expect(checkLinearizable(ticketModel(), recording.history).verdict).toBe('not-linearizable');
  });
});
