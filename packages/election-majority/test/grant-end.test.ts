import { type Clock, type Cluster, createCluster, isClusterError, type System } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';
import { majorityElection } from '../src/index.ts';

const VOTERS = ['a', 'b', 'c'];

interface Trio {
  readonly clusters: Map<string, Cluster>;
  /** By which code each grant ended. */
  readonly ends: string[];
  readonly tokens: bigint[];
}

/** Starts three nodes, and notes their grants. */
function startTrio(world: World, alter: (system: System, nodeId: string) => System = (system) => system): Trio {
  const network = memoryNetwork({ route: world.route });
  const clusters = new Map<string, Cluster>();
  const ends: string[] = [];
  const tokens: bigint[] = [];
  const hosts = VOTERS.map((id) => world.host(id));
  for (const host of hosts) {
    const nodeId = host.name;
    host.start(async (system) => {
      const cluster = createCluster({
        nodeId,
        bind: { host: host.address, port: 7000 },
        seedNodes: hosts.filter((other) => other !== host).map(({ address }) => ({ host: address, port: 7000 })),
        system: alter(system, nodeId),
        logLevel: 'silent',
        transport: memoryTransport({ network }),
        election: majorityElection({ voters: VOTERS, volatileVotes: true }),
      });
      cluster.on('leadershipLost', ({ reason }) => ends.push(isClusterError(reason) ? reason.code : String(reason)));
      cluster.on('leadershipAcquired', ({ leadership }) => tokens.push(leadership.token));
      clusters.set(nodeId, cluster);
      await cluster.start();
    });
  }
  return { clusters, ends, tokens };
}

function leaderOf(clusters: Map<string, Cluster>): Cluster | undefined {
  return [...clusters.values()].find(({ isLeader }) => isLeader);
}

it('tells a grant that ran out from one that was given up', async () => {
  const world = createWorld({ seed: 7 });
  const { clusters, ends } = startTrio(world);
  await world.runUntil(() => leaderOf(clusters) !== undefined, 10_000);
  const first = leaderOf(clusters);
  await world.run(500);
  void first?.election.transfer(VOTERS.find((id) => id !== first.self.id) ?? '');
  await world.runUntil(() => ends.length === 1, 1_000);
  expect(ends).toEqual(['NOT_LEADER']);

  await world.runUntil(() => leaderOf(clusters) !== undefined, 10_000);
  const second = leaderOf(clusters)?.self.id;
  world.partition(
    world.hosts.filter(({ name }) => name === second),
    world.hosts.filter(({ name }) => name !== second),
  );
  await world.runUntil(() => ends.length === 2, 1_000);
  expect(ends).toEqual(['NOT_LEADER', 'QUORUM_LOST']);
});

/** A clock on which much time passes between two readings, as when the process is stopped just there. */
function stoppingClock(clock: Clock, stop: { readingsLeft: number }): Clock {
  let lostMs = 0;
  return {
    now: () => {
      stop.readingsLeft -= 1;
      if (stop.readingsLeft === 0) lostMs += 120;
      return clock.now() + lostMs;
    },
    wallTime: () => clock.wallTime(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    defer: (callback) => clock.defer(callback),
  };
}

it('gives one grant a term, wherever in its work the process is stopped', async () => {
  for (let readings = 1; readings <= 40; readings += 1) {
    const world = createWorld({ seed: 11 });
    const stops = new Map(VOTERS.map((id) => [id, { readingsLeft: Infinity }]));
    const { clusters, tokens } = startTrio(world, (system, id) => ({
      ...system,
      clock: stoppingClock(system.clock, stops.get(id) ?? { readingsLeft: Infinity }),
    }));
    await world.runUntil(() => leaderOf(clusters) !== undefined, 10_000);
    await world.run(300);
    const stop = stops.get(leaderOf(clusters)?.self.id ?? '');
    if (stop !== undefined) stop.readingsLeft = readings;
    await world.run(2_000);
    expect(leaderOf(clusters)).toBeDefined();
    expect(tokens, `stopped after ${readings} readings`).toEqual([...new Set(tokens)]);
  }
});

it('knows of no leader once it was disposed, though that came while a grant ended', async () => {
  const world = createWorld({ seed: 7 });
  const { clusters } = startTrio(world);
  await world.runUntil(() => leaderOf(clusters) !== undefined, 10_000);
  await world.run(500);
  const leader = leaderOf(clusters);
  const election = leader?.election;
  election?.leadership?.signal.addEventListener('abort', () => void election[Symbol.asyncDispose]());
  const handedOver = election?.transfer(VOTERS.find((id) => id !== leader?.self.id) ?? '').catch(isClusterError);
  await world.run(2_000);
  expect(await handedOver).toBe(true);
  expect(election?.leader).toBeUndefined();
  expect(election?.leadership).toBeUndefined();
  expect(leaderOf(clusters)?.self.id).not.toBe(leader?.self.id);
});
