import { checkOptions, type Member, rule } from '@quorate/core';

import type { Situation } from './situation.ts';
import type { SplitBrainStrategy, Verdict } from './strategy.ts';

/** What `keepOldest` is told. */
export interface KeepOldestOptions {
  /**
   * Whether the oldest node goes down when it is cut off alone from two others or more, which then go on. Otherwise a
   * whole cluster goes down with its oldest node.
   * @default true
   */
  readonly downIfAlone?: boolean;
}

const rules = { downIfAlone: rule.flag() };

/**
 * The side with the oldest node goes on: by `Member.joinOrder`, of several the one whose id comes first. It needs a
 * membership that tells the order.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function keepOldest(options: KeepOldestOptions = {}): SplitBrainStrategy {
  const { downIfAlone = true } = checkOptions<KeepOldestOptions>('keepOldest', rules, options);
  return {
    name: 'keepOldest',
    decide: (situation) => decide(situation, downIfAlone),
    objection: (members) => {
      if (members.some(({ joinOrder }) => joinOrder !== undefined)) return undefined;
      return { what: 'the membership does not tell in which order nodes joined', isFatal: true };
    },
  };
}

function decide({ reachable, unreachable }: Situation, downIfAlone: boolean): Verdict {
  const oldest = oldestOf([...reachable, ...unreachable]);
  if (oldest === undefined) return { type: 'down', reason: 'no_join_order' };
  const isHere = reachable.includes(oldest);
  // The rest can be sure that it was alone only when nobody else is missing.
  const isAlone = isHere ? reachable.length === 1 : unreachable.length === 1;
  const others = isHere ? unreachable.length : reachable.length;
  const givesUp = downIfAlone && isAlone && others > 1;
  if (isHere) return givesUp ? { type: 'down', reason: 'oldest_alone' } : { type: 'survive' };
  return givesUp ? { type: 'survive' } : { type: 'down', reason: 'without_oldest' };
}

/** Undefined when the order of any of them isn't known, or not yet: then each could be it. */
function oldestOf(members: readonly Member[]): Member | undefined {
  if (members.some(({ joinOrder = 0 }) => joinOrder === 0)) return undefined;
  return members.reduce<Member | undefined>((oldest, member) => {
    return oldest === undefined || isOlder(member, oldest) ? member : oldest;
  }, undefined);
}

function isOlder(a: Member, b: Member): boolean {
  const [first = 0, second = 0] = [a.joinOrder, b.joinOrder];
  return first === second ? a.node.id < b.node.id : first < second;
}
