import { type Clock, type System } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { createWorld, type Host } from '../src/index.ts';

function clockOf(host: Host): Clock {
  return host.system.clock;
}

describe('time', () => {
  it('runs timers in order, each at its moment, with microtasks between', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a');
    const log: string[] = [];
    host.start(({ clock }) => {
      clock.setTimer(20, () => log.push(`20 at ${world.now}`));
      clock.setTimer(10, () => {
        log.push(`10 at ${world.now}`);
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(() => log.push('microtask'));
        clock.defer(() => log.push(`deferred at ${world.now}`));
      });
      clock.setTimer(10, () => log.push('10 again'));
      clock.setTimer(15, () => log.push('never')).cancel();
    });
    await world.run(100);
    expect(log).toEqual(['10 at 10', 'microtask', '10 again', 'deferred at 10', '20 at 20']);
    expect(world.now).toBe(100);
  });

  it('differs from host to host', () => {
    const world = createWorld({ seed: 1 });
    expect(world.host('a').now).not.toBe(world.host('b').now);
    expect(world.host('c', { offsetMs: 5 }).now).toBe(5);
  });

  it('drifts, and timers follow the clock, never early by it', async () => {
    const world = createWorld({ seed: 1 });
    const fast = world.host('fast', { offsetMs: 0, drift: 0.1 });
    const slow = world.host('slow', { offsetMs: 0, drift: -0.1 });
    const fired: Record<string, number> = {};
    for (const host of [fast, slow]) {
      host.start(({ clock }) => {
        clock.setTimer(990, () => {
          fired[host.name] = world.now;
          expect(clock.now()).toBeGreaterThanOrEqual(990);
        });
      });
    }
    await world.run(950);
    expect(fast.now).toBeCloseTo(1045, 6);
    expect(slow.now).toBeCloseTo(855, 6);
    await world.run(1000);
    expect(fired['fast']).toBeCloseTo(900, 2);
    expect(fired['slow']).toBeCloseTo(1100, 2);
  });

  it('moves pending timers when the drift changes', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a', { offsetMs: 0 });
    let fired = 0;
    host.start(({ clock }) => {
      clock.setTimer(1000, () => {
        fired = world.now;
      });
    });
    await world.run(500);
    host.drift = 1;
    await world.run(500);
    expect(fired).toBeCloseTo(750, 2);
    expect(host.now).toBeCloseTo(1500, 6);
  });

  it('makes progress however small what is left of a deadline is', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a', { offsetMs: 0 });
    let ended = 0;
    host.start(({ clock }) => {
      // Less than a microsecond's thousandth beyond a microsecond.
      const deadline = 33.333_000_5;
      const arm = () => {
        clock.setTimer(deadline - clock.now(), () => {
          if (clock.now() < deadline) arm();
          else ended = world.now;
        });
      };
      arm();
    });
    await world.run(40);
    expect(ended).toBeGreaterThan(33);
  });
});

describe('a process', () => {
  it('that is paused does nothing, and then all that became due, while its clock goes on', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a', { offsetMs: 0 });
    const log: string[] = [];
    host.start(({ clock }) => {
      clock.setTimer(10, () => log.push(`first at ${clock.now()}`));
      clock.setTimer(20, () => log.push(`second at ${clock.now()}`));
      clock.setTimer(90, () => log.push(`third at ${clock.now()}`));
    });
    await world.run(5);
    host.stall(50);
    await world.run(45);
    expect(log).toEqual([]);
    expect(clockOf(host).now()).toBe(50);
    await world.run(50);
    expect(log).toEqual(['first at 55', 'second at 55', 'third at 90']);
  });

  it('can cancel on resumption what became due while it was paused', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a');
    const log: string[] = [];
    host.start(({ clock }) => {
      clock.setTimer(10, () => {
        log.push('first');
        second.cancel();
      });
      const second = clock.setTimer(20, () => log.push('second'));
    });
    await world.run(5);
    host.stall(50);
    await world.run(100);
    expect(log).toEqual(['first']);
  });

  it('that has crashed never runs again, be it by timer, deferral or promise', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a');
    const log: string[] = [];
    host.start(async ({ clock, disk }) => {
      clock.setTimer(10, () => log.push('timer'));
      const file = await disk.open('/file', { create: true });
      clock.defer(() => {
        host.crash();
        clock.defer(() => log.push('deferred'));
        clock.setTimer(1, () => log.push('late timer'));
      });
      await file.sync();
      log.push('synced');
    });
    await world.run(100);
    expect(log).toEqual([]);
    expect(host.running).toBe(false);
    host.restart();
    expect(host.boots).toBe(2);
  });

  it('draws other numbers after a restart, and the same ones in the same world', async () => {
    const draw = async () => {
      const world = createWorld({ seed: 'one' });
      const host = world.host('a');
      const drawn: number[] = [];
      host.start(({ random }) => void drawn.push(random.next(), random.int(1000), ...random.bytes(2)));
      await world.run(1);
      host.restart();
      await world.run(1);
      return drawn;
    };
    const drawn = await draw();
    expect(new Set(drawn).size).toBe(drawn.length);
    expect(await draw()).toEqual(drawn);
  });
});

describe('a failing run', () => {
  const failing = (system: System) => {
    system.logger.info('about to fail');
    system.clock.setTimer(12.5, () => {
      throw new Error('the bug');
    });
  };

  it('tells the seed, the time and the trace', async () => {
    const world = createWorld({ seed: 'abc' });
    world.host('a').start(failing);
    const error = await world.run(1000).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message).toContain('the bug');
    expect(message).toContain('seed "abc", true time 12.500 ms');
    expect(message).toContain('a info: about to fail');
    expect(message).toContain(world.trace.hash);
  });

  it('is also one whose program rejects, whose check throws, or whose condition never holds', async () => {
    const rejecting = createWorld({ seed: 7 });
    rejecting.host('a').start(() => Promise.reject(new Error('rejected')));
    await expect(rejecting.run(1)).rejects.toThrow(/rejected\n {2}seed 7/u);

    const checked = createWorld({ seed: 8 });
    checked.host('a').start(({ clock }) => void clock.setTimer(5, () => undefined));
    checked.onStep(() => {
      if (checked.now >= 5) throw new Error('not so');
    });
    await expect(checked.run(100)).rejects.toThrow(/not so\n {2}seed 8, true time 5.000/u);

    const waiting = createWorld({ seed: 9 });
    await expect(waiting.runUntil(() => false, 50)).rejects.toThrow(/did not hold within 50 ms\n {2}seed 9/u);
  });

  it('is one in which time stands still', async () => {
    const world = createWorld({ seed: 10 });
    const loop = (clock: Clock) => clock.defer(() => loop(clock));
    world.host('a').start(({ clock }) => loop(clock));
    await expect(world.run(1)).rejects.toThrow(/time stands still.*\n {2}seed 10/u);
  });

  it('passes a rejection on as it is', async () => {
    const world = createWorld({ seed: 1 });
    const reason = new Error('mine');
    await expect(world.settled(Promise.reject(reason), 10)).rejects.toBe(reason);
  });

  it('refuses options that it cannot honour', () => {
    expect(() => createWorld({ seed: 1, link: { loss: 2 } })).toThrow(/loss must be a number from 0 to 1/u);
    const world = createWorld({ seed: 1 });
    expect(() => world.host('a', { drift: -1 })).toThrow(/drift/u);
    expect(() => world.host('a b')).toThrow(/name/u);
  });
});

it('keeps the newest lines of the trace', async () => {
  const world = createWorld({ seed: 1, traceLines: 3 });
  for (const line of ['one', 'two', 'three', 'four']) world.note(line);
  expect(world.trace.text()).toBe(['    0.000 two', '    0.000 three', '    0.000 four'].join('\n'));
  expect(world.trace.text(1)).toBe('    0.000 four');
});
