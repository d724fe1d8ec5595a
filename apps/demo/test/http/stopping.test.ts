import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { oneNode } from './one-node.ts';

it('does the rest when a part of it fails, and tells whoever waits', async () => {
  const { node, data } = await oneNode();
  const stop = node.cluster.stop.bind(node.cluster);
  node.cluster.stop = async () => {
    await stop();
    throw new Error('the disk is full');
  };
  await expect(node.stop()).rejects.toThrow('the disk is full');
  await expect(node.ended).rejects.toThrow('the disk is full');
  await expect(fetch(`${node.url}/livez`)).rejects.toThrow('fetch failed');
  await rm(data, { recursive: true });
});
