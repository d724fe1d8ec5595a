import type { ClusterContext, IClusterDiscovery } from '@quorate/core';
import { memoryDiscovery, memoryRegistry, type MemoryRegistry } from '@quorate/memory';
import { describe, expect, it } from 'vitest';

import { discoveryContract, type DiscoveryHarness } from '../src/index.ts';
import { altered, failuresOf } from './recording-runner.ts';

type Change = (part: Claiming, context: ClusterContext) => Partial<IClusterDiscovery>;
type Claiming = Required<Pick<IClusterDiscovery, 'claim'>>;

const ofSeveral = 'of several claims at one time one is kept, and all are told which';
const stays = 'what was claimed stays, whoever claims later, and when who claimed it is gone';

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  ['has no claim', 'there is claim if supports.createIfAbsent says so', () => ({ claim: undefined as never })],
  [
    'takes a question for a claim',
    'asking for what nobody has claimed tells nothing, and leaves it so',
    (part) => ({ claim: (value, options) => part.claim(value ?? new Uint8Array([0]), options) }),
  ],
  [
    'tells each its own value',
    ofSeveral,
    (part) => ({
      claim: async (value, options) => {
        const told = await part.claim(value, options);
        return value ?? told;
      },
    }),
  ],
  [
    'looks first, and claims what is not the value that is then there',
    ofSeveral,
    (part) => ({
      claim: async (value, options) => {
        const there = await part.claim(undefined, options);
        if (there !== undefined) return there;
        await part.claim(value, options);
        return value;
      },
    }),
  ],
  [
    'keeps what was claimed for itself',
    stays,
    () => {
      let kept: Uint8Array | undefined;
      return { claim: (value) => Promise.resolve((kept ??= value)) };
    },
  ],
  [
    'cuts what is long',
    'a value of 16 KiB can be claimed, and a larger one is refused',
    (part) => ({ claim: async (value, options) => (await part.claim(value, options))?.subarray(0, 1000) }),
  ],
  [
    'takes what is too long',
    'a value of 16 KiB can be claimed, and a larger one is refused',
    (part) => ({ claim: (value, options) => part.claim(value?.subarray(0, 16 * 1024), options) }),
  ],
];

function breaching(change: Change): DiscoveryHarness<MemoryRegistry> {
  return {
    name: 'discovery-memory, altered',
    supports: { registration: true, watch: 'push', createIfAbsent: true },
    source: () => memoryRegistry(),
    create: (_nodes, registry) => {
      const plugin = memoryDiscovery({ registry });
      const create = (context: ClusterContext) =>
        altered<IClusterDiscovery>(plugin.create(context), (part) => change(part as Claiming, context));
      return { ...plugin, create };
    },
    refuses: { factory: memoryDiscovery, options: [] },
  };
}

describe('the suite for discoveries that can be claimed from', () => {
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const define = (made: Change) =>
        failuresOf((runner) => discoveryContract(runner, breaching(made)), { only: caughtBy });
      expect([...(await define(() => ({}))).keys()]).toEqual([]);
      expect([...(await define(change)).keys()]).toEqual([caughtBy]);
    });
  }
});
