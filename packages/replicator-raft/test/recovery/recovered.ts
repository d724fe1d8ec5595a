import { expect } from 'vitest';
import { raftMembers, raftOperations } from '../../src/index.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';

/** Nodes of which the first has something, and the others have nothing: they become members when they are added. */
export function freshCluster(seed: string, real: boolean = false): SimulatedCluster {
  return new SimulatedCluster(seed, ['x', 'y', 'z'], {}, { founders: ['x'], real });
}

export async function* stored(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

export async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return parts;
}

export function backupOf(cluster: SimulatedCluster, name: string): Promise<Uint8Array[]> {
  return cluster.soon(collected(raftOperations(cluster.node(name)).backup()));
}

/** The state of a machine, to compare. */
export function state(cluster: SimulatedCluster, name: string): readonly (readonly [string, string])[] {
  return [...(cluster.machines.get(name)?.values ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

export async function add(cluster: SimulatedCluster, name: string, key: string, times: number = 1): Promise<void> {
  for (let n = 0; n < times; n += 1) await cluster.soon(cluster.node(name).replicate({ type: 'add', key, by: 1 }));
}

/** Adds the nodes to the group that the first one leads, and sees to it that all have the same and go on together. */
export async function expectGrows(cluster: SimulatedCluster, first: string, others: readonly string[]): Promise<void> {
  for (const name of others) {
    cluster.start(name);
    await cluster.soon(raftMembers(cluster.node(first)).addNode(name), 60_000);
  }
  await cluster.soon(cluster.node(first).replicate({ type: 'put', key: 'together', value: 'yes' }));
  for (const name of [first, ...others]) {
    expect(await cluster.soon(cluster.node(name).read('together', { consistency: 'linearizable' }))).toBe('yes');
    expect(state(cluster, name)).toEqual(state(cluster, first));
  }
}
