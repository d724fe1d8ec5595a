import { connectionMembership, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { createGossip } from '../src/index.ts';
import { epidemicMembership } from './epidemic-membership.ts';
import { gossipCases } from './gossip-cases.ts';
import { GossipWorld } from './gossip-world.ts';

describe('gossip over an epidemic of messages', () => {
  gossipCases(() => epidemicMembership(), 0);
});

describe('gossip over an epidemic of which a quarter is lost', () => {
  gossipCases(() => epidemicMembership(), 0.25);
});

describe('createGossip', () => {
  it('is refused where the membership carries nothing, and options that are wrong are', async () => {
    const nodes = new GossipWorld({ seed: 1, names: ['a', 'b'], membership: () => connectionMembership() });
    nodes.start('a');
    const failure = await nodes.world.run(1_000).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(String(failure)).toContain('spreads no rumours');
    expect(isClusterError((failure as Error).cause ?? failure, 'UNSUPPORTED')).toBe(true);
    expect(() => createGossip(nodes.cluster('a'), { reapAfterMs: 1 })).toThrow('reapAfterMs');
  });
});
