import type { World } from '@quorate/simulator';

/** On what ground no second cluster may come to be; each is an assumption that the package states. */
export type Ground =
  /** More than half of all nodes are expected; the source may tell anybody anything. */
  | 'more than half'
  /** The source names a node to all within the margin from its first start; however few are expected. */
  | 'honest source'
  /** The source creates if absent; it may tell anything else, and however few are expected. */
  | 'claim';

/** What is so all through one life. */
export interface FormationCharacter {
  readonly ground: Ground;
  readonly nodes: number;
  readonly expectedNodes: number;
  /** So many of them, the first ones, never form a cluster. */
  readonly joiners: number;
  readonly marginMs: number;
  readonly lookEveryMs: number;
  /** All nodes are started for the first time within this. */
  readonly startsWithinMs: number;
  /** Whether the source knows ids. */
  readonly namesIds: boolean;
  readonly election: 'majority' | 'raft';
  /** For how long it is the same nodes that run, on average; undefined where it is faults of every kind that trouble them. */
  readonly crewMs: number | undefined;
}

const GROUNDS: readonly Ground[] = ['more than half', 'honest source', 'claim'];

export function drawCharacter(world: World, ground?: Ground): FormationCharacter {
  const { random } = world;
  const between = (least: number, most: number) => least + random.int(most - least + 1);
  const drawn = GROUNDS[random.int(GROUNDS.length)] as Ground;
  const chosen = ground ?? drawn;
  const nodes = world.chance(0.1) ? between(1, 2) : between(3, 6);
  const least = chosen === 'more than half' ? Math.floor(nodes / 2) + 1 : 1;
  const expectedNodes = world.chance(0.5) ? least : between(least, nodes);
  // So short that what was begun is often left to others.
  const isHasty = world.chance(0.6);
  const marginMs = chosen === 'honest source' ? between(200, 1200) : between(0, isHasty ? 30 : 800);
  return {
    ground: chosen,
    nodes,
    expectedNodes,
    joiners: world.chance(0.2) ? between(0, nodes - expectedNodes) : 0,
    marginMs,
    lookEveryMs: isHasty ? between(25, 75) : between(30, 300),
    startsWithinMs: world.chance(0.5) ? 50 : between(100, 6000),
    namesIds: world.chance(0.5),
    election: world.chance(0.2) ? 'raft' : 'majority',
    crewMs: isHasty ? between(1, 3) * (marginMs + 100) : undefined,
  };
}
