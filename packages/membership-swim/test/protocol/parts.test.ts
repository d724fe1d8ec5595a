import { seededRandom } from '@quorate/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/protocol/deadlines.ts';
import { suspicionBounds, suspicionMs } from '../../src/protocol/formulas.ts';
import { LocalHealth } from '../../src/protocol/local-health.ts';
import { MemberTable, tableOf } from '../../src/protocol/member-table.ts';
import { ProbeOrder } from '../../src/protocol/probe-order.ts';
import { MEMBERLIST_LAN_SETTINGS } from '../../src/protocol/settings.ts';
import type { MemberRecord } from '../../src/protocol/types.ts';

function record(id: string, state: MemberRecord['state'] = 'alive'): MemberRecord {
  const node = { id, host: 'h', port: 1 };
  const address = { host: 'h', port: 1 };
  return { id, node, address, state, incarnation: 1, epoch: 0, refutation: 0, joinOrder: 1, since: 0 };
}

describe('the order of probes', () => {
  it('comes by each place once in a round, in another order each time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer(), (count, seed) => {
        const order = new ProbeOrder(seededRandom(seed, 'order'));
        const round = (): number[] => Array.from({ length: count }, () => order.next(count));
        const [first, second] = [round(), round()];
        const all = Array.from({ length: count }, (_, at) => at);
        expect([...first].sort((a, b) => a - b)).toEqual(all);
        expect([...second].sort((a, b) => a - b)).toEqual(all);
        if (count > 20) expect(second).not.toEqual(first);
      }),
    );
  });

  it('comes by who joins in the middle of a round at a random time: in this round or the next', () => {
    const waits: number[] = [];
    for (let seed = 0; seed < 400; seed += 1) {
      const order = new ProbeOrder(seededRandom(seed, 'order'));
      for (let step = 0; step < 50; step += 1) order.next(100);
      let wait = 0;
      while (order.next(101) !== 100) wait += 1;
      waits.push(wait);
    }
    expect(Math.max(...waits)).toBeLessThan(202);
    // About half of them stand ahead, where as much of the round is left.
    const soon = waits.filter((wait) => wait < 50).length / waits.length;
    expect(soon).toBeGreaterThan(0.35);
    expect(soon).toBeLessThan(0.75);
  });
});

describe('suspicion', () => {
  // Lifeguard, section III-B, with memberlist's parameters: k = 2, the longest six times the shortest.
  it.each([
    [100, 8000, 48_000],
    [1000, 12_000, 72_000],
    [10_000, 16_000, 96_000],
  ])('among %i lasts from %i to %i ms', (size, shortest, longest) => {
    const bounds = suspicionBounds(MEMBERLIST_LAN_SETTINGS, size);
    expect(suspicionMs(bounds, 0)).toBeCloseTo(longest);
    expect(suspicionMs(bounds, 2)).toBeCloseTo(shortest);
    expect(suspicionMs(bounds, 9)).toBeCloseTo(shortest);
    expect(suspicionMs(bounds, 1)).toBeCloseTo(longest - (Math.log(2) / Math.log(3)) * (longest - shortest));
  });

  it('is the shortest where too few others are there to confirm it', () => {
    const bounds = suspicionBounds(MEMBERLIST_LAN_SETTINGS, 3);
    expect(suspicionMs(bounds, 0)).toBe(bounds.shortestMs);
  });
});

describe('local health', () => {
  it('stays between well and its worst', () => {
    const health = new LocalHealth(8);
    health.change(-1);
    expect(health.factor).toBe(1);
    health.change(100);
    expect([health.score, health.factor]).toEqual([7, 8]);
  });
});

describe('deadlines', () => {
  it('are met in the order of their times, and of being set', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat({ max: 20 }), isCancelled: fc.boolean() })), (plans) => {
        const deadlines = new Deadlines();
        const met: number[] = [];
        const set = plans.map(({ at }, index) => deadlines.set(at, () => met.push(index)));
        for (const [index, { isCancelled }] of plans.entries()) if (isCancelled) set[index]?.cancel();
        const expected = plans
          .map(({ at, isCancelled }, index) => ({ at, isCancelled, index }))
          .filter(({ isCancelled }) => !isCancelled)
          .sort((a, b) => a.at - b.at || a.index - b.index);
        expect(deadlines.next).toBe(expected[0]?.at ?? Number.POSITIVE_INFINITY);
        deadlines.run(20);
        expect(met).toEqual(expected.map(({ index }) => index));
      }),
    );
  });

  it('keep no place for what was cancelled long before its time', () => {
    const deadlines = new Deadlines();
    const met: number[] = [];
    const kept = Array.from({ length: 100 }, (_, index) => 1000 - index);
    for (const at of kept) {
      deadlines.set(at, () => met.push(at));
      for (let count = 0; count < 100; count += 1) deadlines.set(at, () => met.push(Number.NaN)).cancel();
      expect(deadlines.places).toBeLessThanOrEqual(2 * kept.length);
    }
    deadlines.run(1000);
    expect(met).toEqual(kept.toReversed());
  });

  it('what is set meanwhile waits for the next call', () => {
    const deadlines = new Deadlines();
    let count = 0;
    const again = (): void => {
      count += 1;
      deadlines.set(0, again);
    };
    again();
    deadlines.run(5);
    expect(count).toBe(2);
  });
});

describe('the table of members', () => {
  it('counts who lives, keeps a place for each, and knows who has been gone for longest', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const states = fc.constantFrom<MemberRecord['state']>('alive', 'suspect', 'unreachable', 'left');
    const step = fc.record({ id: ids, state: fc.option(states, { nil: undefined }), asks: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const table = new MemberTable(seededRandom(1, 'table'), tableOf([record('self')]));
        for (const [now, { id, state, asks }] of steps.entries()) {
          if (state === undefined) table.remove(id);
          else table.put({ ...record(id, state), since: table.get(id)?.state === state ? table.get(id)!.since : now });
          if (!asks) continue;
          const gone = [...table.members.values()].filter(
            (each) => each.state === 'unreachable' || each.state === 'left',
          );
          expect(table.longestGone?.since).toBe(gone.map(({ since }) => since).sort((a, b) => a - b)[0]);
        }
        const members = [...table.members.values()];
        const living = members.filter(({ state }) => state === 'alive' || state === 'suspect');
        expect(table.living).toBe(living.length);
        const places = Array.from({ length: table.places }, (_, at) => table.at(at)?.id);
        expect(new Set(places)).toEqual(new Set(members.map(({ id }) => id)));
        expect(places).toHaveLength(members.length);
      }),
    );
  });

  it('shares with another what is the same of those who live, and keeps whatever differs', () => {
    const others: Partial<MemberRecord>[] = [
      { state: 'suspect', evidence: 'silent' },
      { state: 'left' },
      { incarnation: 2 },
      { epoch: 1 },
      { refutation: 1 },
      { joinOrder: 2 },
      { address: { host: 'h', port: 2 } },
      { node: { id: 'a', host: 'h', port: 1, metadata: { role: 'cache' } } },
      { describedIn: { run: 0, epoch: 0, refutation: 0 } },
      { isHearsay: true },
    ];
    for (const other of others) {
      const own = { ...record('a'), ...other };
      for (const [mine, theirs] of [
        [own, record('a')],
        [record('a'), own],
      ] as const) {
        const table = new MemberTable(seededRandom(1, 'table'), tableOf([mine, record('b')]));
        const common = tableOf([theirs, { ...record('b'), since: 5 }]).members;
        table.share(common);
        expect(table.get('a')).toBe(mine);
        expect(table.get('b')).toBe(common.get('b'));
      }
    }
    const same = tableOf([record('a'), record('b')]).members;
    const sharing = new MemberTable(seededRandom(1, 'table'), tableOf([record('b'), record('a')]));
    sharing.share(same);
    expect(sharing.members).toBe(same);
    // Nobody comes or goes by it.
    const elsewhere = new MemberTable(seededRandom(1, 'table'), tableOf([record('a'), record('c')]));
    const before = elsewhere.members;
    elsewhere.share(same);
    expect(elsewhere.members).toBe(before);
  });

  it('draws different members who fit, and finds the few there are', () => {
    const base = tableOf(Array.from({ length: 500 }, (_, at) => record(`n${at}`, at < 3 ? 'alive' : 'left')));
    const table = new MemberTable(seededRandom(1, 'table'), base);
    const drawn = table.sample(5, ({ state }) => state === 'alive').map(({ id }) => id);
    expect([...drawn].sort()).toEqual(['n0', 'n1', 'n2']);
    expect(new Set(table.sample(100, () => true)).size).toBe(100);
  });
});
