import type { World } from '@quorate/simulator';

/** What one life is made of; drawn, so that each is another. */
export interface MembershipCharacter {
  readonly nodes: number;
  /** Whether the nodes share a secret, which is replaced now and then. */
  readonly isSecured: boolean;
  /** Below this many members all are connected with all. */
  readonly connectAllUpTo: number;
  /** How often faults come, and the longest that one lasts. */
  readonly everyMs: number;
  readonly lastMs: number;
  /** How often a node describes itself anew in times of trouble, about. */
  readonly describeEveryMs: number;
  /** Times of trouble, with peace after each. */
  readonly rounds: number;
}

export function drawCharacter(world: World): MembershipCharacter {
  const { random } = world;
  return {
    nodes: world.chance(0.15) ? 12 + random.int(9) : 3 + random.int(7),
    isSecured: world.chance(0.7),
    connectAllUpTo: world.chance(0.4) ? 2 + random.int(4) : 64,
    everyMs: 300 + random.int(2000),
    lastMs: world.chance(0.5) ? 3000 : 20_000,
    describeEveryMs: world.chance(0.3) ? 100 + random.int(400) : 1000 + random.int(9000),
    rounds: 1 + random.int(2),
  };
}
