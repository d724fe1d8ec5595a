import type { Entry } from '@quorate/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inSession, plain, shownAll } from './entries.ts';
import { joined, Ledger, type LedgerOptions } from './ledger.ts';
import { ReplicatedMachine } from '../../src/commands/replicated-machine.ts';
import { change, commands, Replica, skip } from './replica.ts';

const isBoom = (command: string) => command === 'boom';

type Draft =
  | { readonly kind: 'change' }
  | { readonly kind: 'commands'; readonly texts: readonly string[]; readonly session: boolean };

const draft: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commands' as const),
      texts: fc.array(
        fc.oneof({ weight: 7, arbitrary: fc.constantFrom('a', 'b') }, { weight: 1, arbitrary: fc.constant('boom') }),
        {
          maxLength: 4,
        },
      ),
      session: fc.boolean(),
    }),
  },
);

/** Where the skip of each failing command comes: so many entries later; and whether it is said twice. */
const delays = fc.array(fc.tuple(fc.nat({ max: 6 }), fc.boolean()), { minLength: 1, maxLength: 4 });

/**
 * A log in which every command that fails is skipped, sooner or later. One that fails is no retry: of those only the first
 * would come to the machine, and only that would be skipped.
 */
const log: fc.Arbitrary<readonly Entry[]> = fc
  .tuple(fc.array(draft, { maxLength: 14 }), delays)
  .map(([drafts, delays]) => {
    const entries: Entry[] = [commands(1, [{ kind: 'open-session', ttlMs: 1000 }])];
    /** Skips by the index from which on they may come. */
    let due: { readonly from: number; readonly index: number; readonly place: number }[] = [];
    let booms = 0;
    const next = () => entries.length + 1;
    const addDue = (all: boolean) => {
      const isDue = ({ from }: { readonly from: number }) => all || from <= next();
      const [now, later] = [due.filter(isDue), due.filter((each) => !isDue(each))];
      for (const { index, place } of now) entries.push(skip(next(), index, place));
      due = later;
    };
    for (const drafted of drafts) {
      const index = next();
      if (drafted.kind === 'change') entries.push(change(index));
      else {
        const { texts, session } = drafted;
        entries.push(
          commands(
            index,
            texts.map((text, at) => (session ? inSession(1, isBoom(text) ? index * 10 + at : at, text) : plain(text))),
          ),
        );
        for (const [place, text] of texts.entries()) {
          if (!isBoom(text)) continue;
          const [later, isTwice] = delays[booms % delays.length] ?? [0, false];
          booms += 1;
          due.push({ from: index + later, index, place });
          if (isTwice) due.push({ from: index + later + 3, index, place });
        }
      }
      addDue(false);
    }
    addDue(true);
    return entries;
  });

/** How a replica comes through the log: what is handed over together, and what happens after it. */
const course = fc.record({
  portions: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
  events: fc.array(fc.constantFrom('nothing', 'turns', 'snapshot', 'restart'), { minLength: 1, maxLength: 6 }),
  slices: fc.record({ maxCommands: fc.integer({ min: 1, max: 5 }), maxMs: fc.constantFrom(0, 3, 100) }),
});
type Course = typeof course extends fc.Arbitrary<infer T> ? T : never;

interface Passed {
  readonly replica: Replica;
  /** Of all its lives: of each entry, what became of its commands, whenever that was told. */
  readonly told: readonly (readonly [number, ...string[]])[];
}

async function passThrough(
  entries: readonly Entry[],
  options: LedgerOptions,
  { portions, events, slices }: Course,
): Promise<Passed> {
  let replica = await Replica.open({ ...options, slices, msPerCommand: 1 });
  const told: (readonly [number, ...string[]])[] = [];
  for (let at = 0, turn = 0; at < entries.length; turn += 1) {
    const portion = entries.slice(at, at + (portions[turn % portions.length] ?? 1));
    at += portion.length;
    await replica.commit(portion);
    const event = events[turn % events.length];
    if (event !== 'nothing') await replica.run();
    const canCapture =
      replica.applier.halt === undefined && replica.machine.applied.index > (replica.log.snapshot?.index ?? 0);
    if (event === 'snapshot' && canCapture) await replica.snapshot();
    if (event !== 'restart') continue;
    told.push(...replica.told);
    replica = await replica.restarted();
    replica.hand(entries.slice(replica.log.snapshot?.index ?? 0, at));
  }
  await replica.run();
  expect(replica.failures).toEqual([]);
  return { replica, told: [...told, ...replica.told] };
}

/** What the log comes to when its skips are known from the beginning. */
async function expectedOf(entries: readonly Entry[]) {
  const machine = new ReplicatedMachine(() => new Ledger({ fails: isBoom }));
  for (const entry of entries.filter(({ type }) => type === 'normal')) {
    const [at] = skipped(entry);
    if (at !== undefined) machine.skip(at);
  }
  const empty = new Uint8Array();
  const outcomes = shownAll(
    machine.apply(entries.map((entry) => (entry.type === 'normal' ? entry : { ...entry, data: empty }))),
  );
  return { outcomes, content: await joined(machine.capture().chunks({})) };
}

function skipped({ data }: Entry): { readonly index: number; readonly place: number }[] {
  const [format, index, place] = data;
  return format === 2 && index !== undefined && place !== undefined ? [{ index, place }] : [];
}

describe('replicas whose machine fails', () => {
  it('come to the same state and outcomes, whatever their portions, slices, snapshots and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(log, course, async (entries, course) => {
        const expected = await expectedOf(entries);
        const { replica, told } = await passThrough(entries, { fails: isBoom }, course);
        expect(replica.applier.halt).toBeUndefined();
        expect(replica.applier.applied).toBe(entries.length);
        for (const [index, ...outcomes] of told)
          expect([index, outcomes]).toEqual([index, expected.outcomes[index - 1]]);
        expect(await replica.content()).toEqual(expected.content);
        const inThisLife = replica.told.map(([index]) => index);
        expect(new Set(inThisLife).size).toBe(inThisLife.length);
      }),
      { numRuns: 400 },
    );
  });

  it('never come to another state than one whose machine does not: it takes back what was skipped, or stops', async () => {
    await fc.assert(
      fc.asyncProperty(log, course, async (entries, course) => {
        const expected = await expectedOf(entries);
        const { replica } = await passThrough(entries, {}, course);
        const { halt } = replica.applier;
        if (halt === undefined) expect(await replica.content()).toEqual(expected.content);
        else expect(halt.canBeSkipped).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
