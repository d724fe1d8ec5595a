import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/commands/command-batch.ts';
import type { CommittedEntry } from '../../src/commands/entry-run.ts';
import { ReplicatedMachine } from '../../src/commands/replicated-machine.ts';
import { encodeSkip } from '../../src/commands/skip.ts';
import { entryOf, inSession, plain, shownAll } from './entries.ts';
import { inPieces, joined, Ledger } from './ledger.ts';
import { Model } from './model.ts';

const sessionId = fc.nat({ max: 5 });
const sequence = fc.nat({ max: 5 });
const text = fc.constantFrom('a', 'b', 'c');
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: text.map(plain) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(sessionId, sequence, text, fc.oneof(fc.constant(0), sequence))
      .map(([id, sequence, text, settled]) => inSession(id, sequence, text, settled)),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('open-session' as const), ttlMs: fc.integer({ min: 1, max: 3000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep-session' as const), sessionId }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close-session' as const), sessionId }) },
);
/** Of a log: what each entry holds, and by how much its time differs from the one before. */
const turn = fc.record({
  commands: fc.array(command, { maxLength: 6 }),
  later: fc.oneof(fc.integer({ min: -50, max: 400 }), fc.constant(1500)),
});
const turns = fc.array(turn, { maxLength: 14 });
const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

interface Log {
  readonly entries: readonly CommittedEntry[];
  /** By the model. */
  readonly expected: readonly (readonly string[])[];
}

const log: fc.Arbitrary<Log> = turns.map((turns) => {
  const model = new Model();
  let time = 1000;
  const entries: CommittedEntry[] = [];
  const expected: string[][] = [];
  for (const [at, { commands, later }] of turns.entries()) {
    time += later;
    entries.push(entryOf(at + 1, commands, time));
    expected.push(model.entry(commands, time));
  }
  return { entries, expected };
});

function fresh(): ReplicatedMachine<string, string, 'lines' | 'count', string> {
  return new ReplicatedMachine(() => new Ledger());
}

/** Applies the entries in slices of these sizes, over and over. */
function inSlices(machine: ReturnType<typeof fresh>, entries: readonly CommittedEntry[], sizes: readonly number[]) {
  const outcomes: string[][] = [];
  for (let at = 0, turn = 0; at < entries.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    outcomes.push(...shownAll(machine.apply(entries.slice(at, at + size), { oneByOne: turn % 3 === 2 })));
    at += size;
  }
  return outcomes;
}

function contentOf(machine: ReturnType<typeof fresh>): Promise<Uint8Array> {
  return joined(machine.capture().chunks({}));
}

describe('commands take effect once', () => {
  it('as a simple model says, whatever is retried, expires and is closed', () => {
    fc.assert(
      fc.property(log, ({ entries, expected }) => {
        expect(shownAll(fresh().apply(entries))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('the same in slices of any size, with the same state', async () => {
    await fc.assert(
      fc.asyncProperty(log, cuts, async ({ entries, expected }, cuts) => {
        const [sliced, whole] = [fresh(), fresh()];
        whole.apply(entries);
        expect(inSlices(sliced, entries, cuts)).toEqual(expected);
        expect(await contentOf(sliced)).toEqual(await contentOf(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('also over a snapshot taken anywhere, cut anyhow', async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.nat(), cuts, async ({ entries, expected }, point, cuts) => {
        const at = entries.length === 0 ? 0 : point % (entries.length + 1);
        const [before, after] = [fresh(), fresh()];
        before.apply(entries.slice(0, at));
        const snapshot = await contentOf(before);
        after.apply([entryOf(1, [plain('of another life'), { kind: 'open-session', ttlMs: 10 }], 1e9)]);
        await after.restore(inPieces([snapshot], cuts));
        expect(after.applied).toEqual(before.applied);
        expect(after.query('lines')).toEqual(before.query('lines'));
        expect(shownAll(after.apply(entries.slice(at)))).toEqual(expected.slice(at));
        before.apply(entries.slice(at));
        expect(await contentOf(after)).toEqual(await contentOf(before));
      }),
      { numRuns: 300 },
    );
  });

  it('but one that is skipped not at all, and its retries neither', () => {
    const machine = fresh();
    machine.skip({ index: 2, place: 0 });
    const entries = [
      entryOf(1, [{ kind: 'open-session', ttlMs: 100 }]),
      entryOf(2, [inSession(1, 1, 'a'), inSession(1, 1, 'a'), inSession(1, 2, 'b')]),
      { index: 3, term: 1, data: encodeSkip({ index: 2, place: 0 }) },
      entryOf(4, [inSession(1, 1, 'a')]),
    ];
    expect(shownAll(machine.apply(entries))).toEqual([
      ['session 1'],
      ['REMOTE', 'REMOTE', '1:b'],
      ['done'],
      ['REMOTE'],
    ]);
    expect(machine.query('count')).toBe('1');
  });
});
