import type { Cluster, Member } from '@quorate/core';
import { expect, it } from 'vitest';
import { membersOf } from '../src/look.ts';

const MOST_OF_AN_ANSWER = 64 * 1024;

/** A cluster of nodes that say so much of themselves. */
function clusterOf(count: number, bytes: number): Cluster {
  const nodes = Array.from({ length: count }, (_, at): Member => {
    const id = `n${String(at).padStart(3, '0')}`;
    const metadata = { said: 'é'.repeat(bytes / 2) };
    return { node: { id, host: '127.0.0.1', port: 7001, metadata }, state: 'alive', incarnation: 1, since: 0 };
  });
  return { nodes, system: { clock: { now: () => 5 } } } as unknown as Cluster;
}

it.each([
  [30, 8000, 6],
  [3, 20, 3],
  [2, 70_000, 1],
])('tells of %i members with %i bytes each in answers that fit into any frame', (count, bytes, first) => {
  const cluster = clusterOf(count, bytes);
  const told: string[] = [];
  for (let after = ''; ; after = told.at(-1) ?? '') {
    const { members, hasMore } = membersOf(cluster, after);
    if (told.length === 0) expect(members.length).toBe(first);
    if (members.length > 1) expect(Buffer.byteLength(JSON.stringify(members))).toBeLessThan(MOST_OF_AN_ANSWER);
    for (const { membership } of members) expect(membership?.metadata?.['said']).toHaveLength(bytes / 2);
    told.push(...members.map(({ nodeId }) => nodeId));
    if (!hasMore) break;
  }
  expect(told).toEqual(cluster.nodes.map(({ node }) => node.id));
});
