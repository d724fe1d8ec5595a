import type { Seed } from '@quorate/simulator';
import type { SwimSettings, SwimStats } from '@quorate/membership-swim/protocol';
import type { NodeId } from '@quorate/core';
import { FalsePositives, SeveredPairs, Sighting, type Sightings } from './belief.ts';
import type { NetworkOptions } from './lossy-network.ts';
import type { Life, ScaleNode } from './scale-node.ts';
import { ScaleWorld, type Traffic } from './scale-world.ts';

export interface ScaleOptions {
  readonly size: number;
  readonly seed: Seed;
  readonly settings: SwimSettings;
  /** @default a LAN that loses nothing */
  readonly network?: Partial<NetworkOptions>;
  /** See `ScaleWorldOptions`. */
  readonly sharingMs?: number;
}

/** Times from the event on, in milliseconds; infinite if it wasn't seen by all in time. */
export interface Spread {
  readonly firstMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly allMs: number;
  readonly hash: string;
}

export interface Calm {
  readonly incidents: number;
  readonly beliefs: number;
  readonly suspicions: number;
  readonly refutations: number;
  readonly traffic: Traffic;
  readonly seconds: number;
  readonly hash: string;
}

const LAN: NetworkOptions = { lossRate: 0, minDelayMs: 0.2, maxDelayMs: 2 };
/** Until probes are spread evenly and those of the beginning are over. */
const WARM_UP_MS = 3000;
/** Nothing here takes longer but with settings that don't work. */
const GIVE_UP_MS = 120_000;

/** A node that is new to all meets one. */
export function join(options: ScaleOptions): Spread {
  const stage = new Stage(options);
  stage.world.runUntil(WARM_UP_MS);
  const id = stage.world.nextId;
  const joined = new Sighting(id, 'joined');
  stage.sightings.push(joined);
  stage.world.join();
  return stage.spread(joined, options.size);
}

/** One node dies, with its machine or without it. */
export function death(options: ScaleOptions, life: Exclude<Life, 'up'>): Spread {
  const stage = new Stage(options);
  stage.world.runUntil(WARM_UP_MS);
  const victim = stage.world.anyNode();
  const failed = new Sighting(victim.node.id, 'failed');
  stage.sightings.push(failed);
  victim.life = life;
  return stage.spread(failed, options.size - 1);
}

/**
 * Half of the nodes cannot be reached by the other half: until each has given up all of the other side.
 * @param closesAfterMs when the transport finds its connections dead, where all are connected with all
 */
export function cut(options: ScaleOptions, closesAfterMs?: number): Spread & { readonly falsePositives: number } {
  const stage = new Stage(options);
  const { world } = stage;
  world.runUntil(WARM_UP_MS);
  const severed = new SeveredPairs();
  stage.sightings.push(severed);
  stage.isLost = (observer, id) => world.isCut(observer, world.node(id));
  world.cutInHalves();
  if (closesAfterMs !== undefined) closeConnections(world, closesAfterMs);
  const half = options.size >> 1;
  const seen = stage.spread(severed, 2 * half * (options.size - half));
  return { ...seen, falsePositives: stage.falsePositives.beliefs };
}

/** Nobody dies. `stallingShare`: nodes that stand still for 0.5 to 5 s, run for as long, and so on. */
export function calm(options: ScaleOptions, seconds: number, stallingShare = 0): Calm {
  const stage = new Stage(options);
  const { world } = stage;
  for (let count = Math.round(options.size * stallingShare); count > 0; count -= 1) stage.stallAgainAndAgain(count - 1);
  world.runUntil(WARM_UP_MS);
  const before = world.traffic;
  world.runUntil(WARM_UP_MS + seconds * 1000);
  const total = (of: keyof SwimStats) => world.nodes.reduce((sum, { machine }) => sum + machine.stats[of], 0);
  const { incidents, beliefs } = stage.falsePositives;
  return {
    incidents,
    beliefs,
    suspicions: total('suspicions'),
    refutations: total('refutations'),
    traffic: difference(world.traffic, before),
    seconds,
    hash: world.hash.hex,
  };
}

/** Of each node with each that it cannot reach, within a second. */
function closeConnections(world: ScaleWorld, afterMs: number): void {
  for (const node of world.nodes) {
    for (const other of world.nodes) {
      if (!world.isCut(node, other)) continue;
      world.at(world.now + afterMs + world.random.next() * 1000, () => node.examine(other.node.id));
    }
  }
}

/** A world and who watches it. */
class Stage {
  readonly world: ScaleWorld;
  readonly sightings: Sightings[] = [];
  /** Whom the observer cannot reach, though it lives. */
  isLost: (observer: ScaleNode, id: NodeId) => boolean = () => false;
  readonly falsePositives: FalsePositives = new FalsePositives();

  constructor({ network, ...options }: ScaleOptions) {
    this.world = new ScaleWorld({
      ...options,
      network: { ...LAN, ...network },
      onChange: (observer, change) => {
        for (const each of this.sightings) each.note(observer, change, this.world.now);
        const { id } = change.member;
        if (observer.isUp && !this.isLost(observer, id))
          this.falsePositives.note(observer, change, this.world.isUp(id));
      },
    });
  }

  spread(sighting: Sightings, all: number): Spread {
    const from = this.world.now;
    this.world.runUntil(from + GIVE_UP_MS, () => sighting.count === all);
    const after = (share: number) => (sighting.times[Math.ceil(all * share) - 1] ?? Number.POSITIVE_INFINITY) - from;
    const firstMs = (sighting.times[0] ?? Number.POSITIVE_INFINITY) - from;
    return { firstMs, medianMs: after(0.5), p95Ms: after(0.95), allMs: after(1), hash: this.world.hash.hex };
  }

  stallAgainAndAgain(index: number): void {
    const { world } = this;
    const duration = () => 500 + world.random.next() * 4500;
    const again = () => {
      const stalledMs = duration();
      world.nodes[index]?.stall(stalledMs);
      world.at(world.now + stalledMs + duration(), again);
    };
    world.at(duration(), again);
  }
}

function difference(after: Traffic, before: Traffic): Traffic {
  return {
    datagrams: after.datagrams - before.datagrams,
    datagramBytes: after.datagramBytes - before.datagramBytes,
    streamProbes: after.streamProbes - before.streamProbes,
    exchangeBytes: after.exchangeBytes - before.exchangeBytes,
  };
}
