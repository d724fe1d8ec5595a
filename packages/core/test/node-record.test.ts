import { describe, expect, it } from 'vitest';
import { type ClusterOptions } from '../src/index.ts';
import { code, scene } from './cluster-scene.ts';
import { fakeStorage } from './fake-parts.ts';

describe('the record of this node', () => {
  const records = (text?: unknown) =>
    new Map(text === undefined ? [] : [['node', new TextEncoder().encode(JSON.stringify(text))]]);
  const read = (from: Map<string, Uint8Array>): unknown => JSON.parse(new TextDecoder().decode(from.get('node')));

  async function run(kept: Map<string, Uint8Array>, options: Partial<ClusterOptions> = {}) {
    const here = scene({ storage: fakeStorage(kept), ...options });
    await here.cluster.start();
    return here;
  }

  it('counts incarnations, written before the transport is made', async () => {
    const kept = records();
    for (const incarnation of [1, 2, 3]) {
      const { cluster, transport } = await run(kept);
      expect([transport.context?.incarnation, read(kept)]).toEqual([
        incarnation,
        { version: 1, nodeId: 'a', incarnation },
      ]);
      await cluster.stop();
    }
  });

  it('keeps a cluster id that was adopted, and the first one for good', async () => {
    const kept = records();
    const { cluster, transport } = await run(kept);
    expect(cluster.id).toBeUndefined();
    transport.context?.cluster.adopt('bad id!');
    transport.context?.cluster.adopt('c1');
    transport.context?.cluster.adopt('c2');
    expect(cluster.id).toBe('c1');
    await cluster.stop();
    // It was being written when the stop began, and was waited for.
    expect(read(kept)).toMatchObject({ clusterId: 'c1' });
    const again = await run(kept);
    expect(again.cluster.id).toBe('c1');
    await again.cluster.stop();
  });

  it.each([
    ['another node', { version: 1, nodeId: 'b', incarnation: 1 }, 'INVALID_OPTIONS'],
    ['another cluster', { version: 1, nodeId: 'a', incarnation: 1, clusterId: 'c2' }, 'CLUSTER_MISMATCH'],
    ['a later release', { version: 2 }, 'UNSUPPORTED'],
    ['something else', { version: 1, nodeId: 'a', incarnation: 'many' }, 'CORRUPT'],
    ['nothing', null, 'CORRUPT'],
  ])('of %s is refused', async (_, stored, expected) => {
    const { cluster } = scene({ storage: fakeStorage(records(stored)), clusterId: 'c1' });
    await expect(cluster.start()).rejects.toEqual(code(expected));
  });

  it('is not kept where nothing is durable: the incarnation is random', async () => {
    const kept = records();
    for (const options of [{ storage: fakeStorage(kept, { durable: false }) }, { storage: undefined }]) {
      const { cluster, transport } = await run(kept, options as Partial<ClusterOptions>);
      expect([transport.context?.incarnation, kept.size]).toEqual([2 ** 47, 0]);
      await cluster.stop();
    }
  });
});
