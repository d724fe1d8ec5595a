import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '@quorate/simulator';
import { decodeStates, encodeStates } from '../../src/protocol/exchange-codec.ts';
import { tableOf } from '../../src/protocol/member-table.ts';
import type { Rumour } from '../../src/protocol/messages.ts';
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.ts';
import { Swim } from '../../src/protocol/swim.ts';
import type { MemberRecord, StateOfMember, SwimHost, Version } from '../../src/protocol/types.ts';
import { compareVersions } from '../../src/protocol/version.ts';

const IDS = ['b', 'c'] as const;
const ADDRESS = { host: 'other.test', port: 7000 };

const silentHost: SwimHost = {
  send: () => undefined,
  probeStream: () => undefined,
  changed: () => undefined,
  conflict: () => undefined,
  refused: () => undefined,
  rumour: () => ({ isNews: false }),
  loopDelayMs: () => 0,
  leaveAcknowledged: () => undefined,
};

/** As the node itself described this version of it: always the same. */
function stateOf(id: string, { epoch, run, refutation }: Version): StateOfMember {
  const node = { id, host: `${id}.test`, port: 7000, metadata: { of: `${epoch}/${run}/${refutation}` } };
  const address = { host: node.host, port: node.port };
  return { id, node, address, state: 'alive', incarnation: run, epoch, refutation, joinOrder: run };
}

function recordOf(id: string): MemberRecord {
  return { ...stateOf(id, { epoch: 0, run: 1, refutation: 0 }), since: 0 };
}

function machine(): Swim {
  const self = { node: recordOf('a').node, incarnation: 1 };
  const base = tableOf(['a', ...IDS].map(recordOf));
  return new Swim({ settings: DEFAULT_SETTINGS, self, random: seededRandom(1, 'merging'), host: silentHost, base });
}

const small = fc.integer({ min: 0, max: 2 });
const rumour: fc.Arbitrary<Rumour> = fc
  .record({
    type: fc.constantFrom('alive', 'suspect', 'unreachable', 'left'),
    id: fc.constantFrom(...IDS),
    version: fc.record({ epoch: small, run: fc.integer({ min: 1, max: 3 }), refutation: small }),
  })
  .map(({ type, id, version }): Rumour => {
    if (type === 'alive') return { type, member: stateOf(id, version) };
    if (type === 'left') return { type, id, ...version };
    return type === 'suspect'
      ? { type, id, ...version, by: 'd', evidence: 'silent' }
      : { type: 'unreachable', id, ...version, by: 'd', evidence: 'silent' };
  });

function heard(rumours: readonly Rumour[]): readonly unknown[] {
  const swim = machine();
  for (const each of rumours) swim.receive({ sender: 'd', run: 1, messages: [each] }, ADDRESS, 1);
  return IDS.map((id) => {
    const { since: _, ...member } = swim.members.get(id) ?? { since: 0 };
    return member;
  });
}

describe('what is heard of members', () => {
  it('gives one table, in whichever order it is heard', () => {
    fc.assert(
      fc.property(
        fc.array(rumour, { maxLength: 8 }).chain((rumours) =>
          fc.record({
            rumours: fc.constant(rumours),
            shuffled: fc.shuffledSubarray(rumours, { minLength: rumours.length, maxLength: rumours.length }),
          }),
        ),
        ({ rumours, shuffled }) => {
          expect(heard(shuffled)).toEqual(heard(rumours));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('changes nothing when it is heard again', () => {
    fc.assert(
      fc.property(fc.array(rumour, { maxLength: 8 }), (rumours) => {
        expect(heard([...rumours, ...rumours])).toEqual(heard(rumours));
      }),
    );
  });

  it('is the same by rumours and by the exchange of tables, but for who is unreachable: suspect at first', () => {
    fc.assert(
      fc.property(fc.array(rumour, { maxLength: 8 }), (rumours) => {
        const [one, other] = [machine(), machine()];
        for (const each of rumours) one.receive({ sender: 'd', run: 1, messages: [each] }, ADDRESS, 1);
        other.merge(sent(one.capture()), 'd', 1);
        for (const id of IDS) {
          const [theirs, ours] = [one.members.get(id), other.members.get(id)];
          expect([ours?.node, ours?.describedIn]).toEqual([theirs?.node, theirs?.describedIn]);
          expect(ours?.state).toBe(theirs?.state === 'unreachable' ? 'suspect' : theirs?.state);
          expect(ours?.refutation).toBe(theirs?.refutation);
        }
      }),
    );
  });

  it('never makes a node describe itself as it did before', () => {
    fc.assert(
      fc.property(fc.array(fc.array(rumour, { maxLength: 4 }), { maxLength: 4 }), (tables) => {
        const swim = machine();
        for (const rumours of tables) {
          const other = machine();
          for (const each of rumours) other.receive({ sender: 'd', run: 1, messages: [each] }, ADDRESS, 1);
          const before = IDS.map((id) => saidIn(swim.members.get(id)));
          swim.merge(sent(other.capture()), 'd', 1);
          const after = IDS.map((id) => saidIn(swim.members.get(id)));
          for (const [at, said] of after.entries())
            expect(compareVersions(said, before[at] ?? said)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** What comes of it on the way. */
function sent(states: Iterable<StateOfMember>): readonly StateOfMember[] {
  return [...encodeStates(states, 60_000)].flatMap((part) => decodeStates(part) ?? []);
}

/** The version in which a member described itself as it is shown, by what it said then. */
function saidIn(member: MemberRecord | undefined): Version {
  const [epoch = 0, run = 1, refutation = 0] = (member?.node.metadata?.['of'] ?? '0/1/0').split('/').map(Number);
  return { epoch, run, refutation };
}
