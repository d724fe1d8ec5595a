import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfChange, encodeConfChange } from '../src/conf-change-codec.ts';
import {
  asV2,
  ConfChangeError,
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  enterJoint,
  isLeaveJoint,
  leaveJoint,
  nextConfig,
  simpleChange,
} from '../src/conf-change.ts';
import { ProgressTracker } from '../src/progress-tracker.ts';
import { EMPTY_CONFIG, findFlaw, fromConfState, toConfState, type TrackerConfig } from '../src/tracker-config.ts';

const type = fc.constantFrom<ConfChangeType[]>('add-node', 'add-learner', 'remove-node', 'update-node');
const transition = fc.constantFrom<ConfChangeTransition[]>('auto', 'joint-implicit', 'joint-explicit');
const single = fc.record({ type, nodeId: fc.integer({ min: 0, max: 6 }) });
const singles = fc.array(single, { maxLength: 5 });
const changes = fc.array(fc.record({ version: fc.constant(2 as const), transition, changes: singles }));

const add = (...ids: number[]): ConfChangeSingle[] => ids.map((nodeId) => ({ type: 'add-node', nodeId }));
const withVoters = (...ids: number[]): TrackerConfig =>
  fromConfState({ voters: ids, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false });

/** All configurations on the way through some changes, those that are refused left out. */
function walk(steps: readonly Exclude<ConfChange, { version: 1 }>[]): TrackerConfig[] {
  const configs = [withVoters(1)];
  for (const step of steps) {
    const before = configs.at(-1) ?? EMPTY_CONFIG;
    const kept = structuredClone(before);
    try {
      configs.push(nextConfig(before, step).config);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfChangeError);
    }
    expect(before).toEqual(kept);
  }
  return configs;
}

describe('changes of the configuration', () => {
  it('always lead to one that can be, and survives being stored', () => {
    fc.assert(
      fc.property(changes, (steps) => {
        for (const config of walk(steps)) {
          expect(findFlaw(config)).toBeUndefined();
          expect(config.voters.incoming.size).toBeGreaterThan(0);
          expect(fromConfState(toConfState(config))).toEqual(config);
        }
      }),
    );
  });

  it('never let two configurations that follow each other decide apart', () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const configs = walk(steps);
        for (const [at, after] of configs.entries()) {
          const before = configs[at - 1];
          if (before) expect(findDisjointQuorums(before, after)).toBeUndefined();
        }
      }),
    );
  });

  it('lead through a joint configuration to what they say, one by one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), singles, (voters, singles) => {
        const roles = new Map(voters.map((id): [number, string] => [id, 'voter']));
        for (const { type, nodeId } of singles) {
          if (nodeId === 0 || type === 'update-node') continue;
          if (type === 'remove-node') roles.delete(nodeId);
          else roles.set(nodeId, type === 'add-node' ? 'voter' : 'learner');
        }
        fc.pre([...roles.values()].includes('voter'));
        const { config } = leaveJoint(enterJoint(withVoters(...voters), false, singles).config);
        const idsOf = (role: string): Set<number> =>
          new Set([...roles].filter(([, is]) => is === role).map(([id]) => id));
        expect(config.voters.incoming).toEqual(idsOf('voter'));
        expect(config.learners).toEqual(idsOf('learner'));
      }),
    );
  });

  it('are refused with a code', () => {
    const code = (make: () => unknown): unknown => {
      try {
        return make();
      } catch (error) {
        return error instanceof ConfChangeError ? error.code : error;
      }
    };
    const joint = enterJoint(withVoters(1, 2, 3), true, add(4)).config;
    expect(code(() => enterJoint(joint, true, []))).toBe('ALREADY_JOINT');
    expect(code(() => leaveJoint(withVoters(1)))).toBe('NOT_JOINT');
    expect(code(() => simpleChange(joint, add(5)))).toBe('SIMPLE_WHILE_JOINT');
    expect(code(() => enterJoint(EMPTY_CONFIG, true, add(1)))).toBe('NO_VOTERS_YET');
    expect(code(() => simpleChange(withVoters(1), [{ type: 'remove-node', nodeId: 1 }]))).toBe('NO_VOTERS_LEFT');
    expect(code(() => simpleChange(withVoters(1), add(2, 3)))).toBe('MORE_THAN_ONE_VOTER');
  });

  it('are refused as stored ones that cannot be', () => {
    const state = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    expect(() => fromConfState({ ...state, learners: [1] })).toThrow(RangeError);
    expect(() => fromConfState({ ...state, learnersNext: [2] })).toThrow(RangeError);
    expect(() => fromConfState({ ...state, autoLeave: true })).toThrow(RangeError);
    expect(() => fromConfState({ ...state, votersOutgoing: [1], learnersNext: [1] })).toThrow(RangeError);
    expect(() => fromConfState({ ...state, voters: [], votersOutgoing: [1] })).toThrow(RangeError);
  });
});

describe('the tracker', () => {
  const tracker = (...voters: number[]): ProgressTracker => {
    const made = new ProgressTracker({ maxInflightMessages: 8, maxInflightBytes: Infinity });
    made.restore(toConfState(withVoters(...voters)), 4);
    return made;
  };

  it('keeps what it knows of those that stay, whatever they become', () => {
    const group = tracker(1, 2, 3);
    for (const id of [1, 2, 3]) group.get(id)?.acknowledge(7);
    group.switchTo(simpleChange(group.config, [{ type: 'add-learner', nodeId: 3 }]), 9);
    group.switchTo(simpleChange(group.config, add(10)), 9);
    expect([...group.progress].map(([id, { match, next, isLearner }]) => [id, match, next, isLearner])).toEqual([
      [1, 7, 8, false],
      [2, 7, 8, false],
      [3, 7, 8, true],
      [10, 0, 9, false],
    ]);
  });

  it('knows nothing of a node that was removed and added again at once', () => {
    const group = tracker(1, 2, 3);
    group.get(3)?.acknowledge(7);
    group.switchTo(simpleChange(group.config, [{ type: 'remove-node', nodeId: 3 }, ...add(3)]), 9);
    expect([group.get(3)?.match, group.get(3)?.next]).toEqual([0, 9]);
  });

  it('counts votes once, and of voters only', () => {
    const group = tracker(1, 2, 3);
    group.switchTo(simpleChange(group.config, [{ type: 'add-learner', nodeId: 4 }]), 9);
    for (const [id, granted] of [
      [1, true],
      [1, false],
      [4, true],
      [9, true],
    ] as const)
      group.recordVote(id, granted);
    expect(group.tallyVotes()).toEqual({ granted: 1, rejected: 0, result: 'pending' });
    group.recordVote(3, true);
    expect(group.tallyVotes()).toEqual({ granted: 2, rejected: 0, result: 'won' });
    group.clearVotes();
    expect(group.tallyVotes().granted).toBe(0);
  });

  it('has committed what a quorum has, and is active while a quorum is', () => {
    const group = tracker(1, 2, 3);
    group.get(1)?.acknowledge(9);
    expect(group.committed()).toBe(0);
    group.get(3)?.acknowledge(8);
    expect(group.committed()).toBe(8);
    for (const progress of group.progress.values()) progress.reset(10, 0);
    expect(group.quorumActive()).toBe(false);
    for (const id of [1, 2]) (group.get(id) as { recentActive: boolean }).recentActive = true;
    expect(group.quorumActive()).toBe(true);
    expect([group.isSingleton(), tracker(1).isSingleton()]).toEqual([false, true]);
  });
});

describe('changes as bytes', () => {
  const id = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat());
  const context = fc.option(fc.uint8Array({ minLength: 1, maxLength: 9 }), { nil: undefined });
  const v1 = fc.record({ version: fc.constant(1 as const), type, nodeId: id, id, context });
  const v2 = fc.record({
    version: fc.constant(2 as const),
    transition,
    changes: fc.array(fc.record({ type, nodeId: id })),
    context,
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.oneof(v1, v2), ({ context, ...rest }) => {
        const change: ConfChange = context ? { ...rest, context } : rest;
        const entry = encodeConfChange(change);
        expect(entry.type).toBe(change.version === 1 ? 'conf-change' : 'conf-change-v2');
        expect(decodeConfChange(entry)).toEqual(change);
      }),
    );
  });

  it('are refused when they are something else', () => {
    const types = fc.constantFrom('conf-change' as const, 'conf-change-v2' as const, 'normal' as const);
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 12 }), (type, data) => {
        try {
          decodeConfChange({ type, data });
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
    expect(() => decodeConfChange({ type: 'normal', data: new Uint8Array() })).toThrow(RangeError);
    expect(() => encodeConfChange({ version: 1, type: 'add-node', nodeId: -1 })).toThrow(RangeError);
  });

  it('are refused in an unknown format, cut off, or with numbers that are too big', () => {
    const { type, data } = encodeConfChange({ version: 1, type: 'add-node', nodeId: Number.MAX_SAFE_INTEGER });
    expect(() => decodeConfChange({ type, data: data.with(0, 2) })).toThrow('format 2, expected 1');
    expect(() => decodeConfChange({ type, data: data.subarray(0, 4) })).toThrow('cut off');
    expect(() => decodeConfChange({ type, data: data.with(9, 0x10) })).toThrow('too big');
    expect(() => decodeConfChange({ type, data: new Uint8Array(20).fill(0xff).with(0, 1) })).toThrow('too long');
  });

  it('are empty if they leave a joint configuration', () => {
    const leave = { version: 2, transition: 'auto', changes: [] } as const;
    expect(isLeaveJoint(leave)).toBe(true);
    expect(encodeConfChange(leave).data.byteLength).toBe(0);
    expect(isLeaveJoint(asV2({ version: 1, type: 'add-node', nodeId: 1 }))).toBe(false);
  });
});

/** A set of nodes that could decide in `before` while all others could decide in `after`. */
function findDisjointQuorums(before: TrackerConfig, after: TrackerConfig): number[] | undefined {
  const ids = [1, 2, 3, 4, 5, 6];
  for (let mask = 0; mask < 1 << ids.length; mask += 1) {
    const group = ids.filter((_, at) => (mask >> at) & 1);
    const others = ids.filter((id) => !group.includes(id));
    if (canDecide(before, group) && canDecide(after, others)) return group;
  }
  return undefined;
}

function canDecide({ voters }: TrackerConfig, group: readonly number[]): boolean {
  return [voters.incoming, voters.outgoing].every(
    (half) => half.size === 0 || group.filter((id) => half.has(id)).length * 2 > half.size,
  );
}
