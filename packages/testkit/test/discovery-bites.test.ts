import type { ClusterContext, IClusterDiscovery } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { discoveryContract, type DiscoveryHarness } from '../src/index.ts';
import { listDiscovery, listHarness, type ListSource } from './list-discovery.ts';
import { altered, failuresOf } from './recording-runner.ts';

type Change = (part: IClusterDiscovery, context: ClusterContext, source: ListSource) => Partial<IClusterDiscovery>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'tells a failure as nobody',
    'discoverNodes rejects while the source fails, and answers when it is back',
    (part) => ({ discoverNodes: (options) => part.discoverNodes(options).catch(() => []) }),
  ],
  [
    'goes on after dispose',
    'lifecycle: discoverNodes after dispose rejects with CLOSED',
    (_, __, source) => ({ discoverNodes: () => Promise.resolve(source.entries as never) }),
  ],
  [
    'leaves callers waiting when it is disposed',
    'lifecycle: dispose while discoverNodes waits ends it',
    (part) => ({
      discoverNodes: (options) =>
        part
          .discoverNodes(options)
          .catch((error) => (error.code === 'CLOSED' ? new Promise(() => undefined) : Promise.reject(error))),
    }),
  ],
  [
    'ignores the signal',
    'lifecycle: discoverNodes with a signal that has aborted rejects with ABORTED',
    (part) => ({ discoverNodes: () => part.discoverNodes() }),
  ],
  ['ignores the signal of a watch', 'lifecycle: aborting ends watch', (part) => ({ watch: () => part.watch() })],
  [
    'throws instead of rejecting',
    'registration rejects with UNSUPPORTED',
    () => ({
      registerNode: () => {
        throw new Error('not supported');
      },
    }),
  ],
  [
    'passes on what is no node',
    'what is no node is left out, and hides none that is',
    (part, _, source) => ({
      discoverNodes: async (options) => {
        await part.discoverNodes(options);
        return source.entries as never;
      },
    }),
  ],
  [
    'keeps a timer',
    'lifecycle: leaves no timer behind when it is disposed',
    (_, { clock }) => {
      clock.setTimer(1e9, () => undefined);
      return {};
    },
  ],
  [
    'promises what it does not do',
    'supports is what the harness says',
    () => ({ supports: { registration: true, watch: 'push', createIfAbsent: false } }),
  ],
  ['answers from memory', 'discoverNodes asks anew each time', (part) => remembering(part)],
  [
    'ends a watch when the source fails',
    'watch is silent while the source fails, and goes on when it is back',
    (part, _, source) => ({
      watch: async function* (options) {
        for await (const snapshot of part.watch(options)) {
          yield snapshot;
          if (source.state === 'broken') return;
        }
      },
    }),
  ],
];

function remembering(part: IClusterDiscovery): Partial<IClusterDiscovery> {
  let first: ReturnType<IClusterDiscovery['discoverNodes']> | undefined;
  return { discoverNodes: (options) => (first ??= part.discoverNodes(options)) };
}

function breaching(change: Change): DiscoveryHarness<ListSource> {
  return {
    ...listHarness,
    create: (_nodes, source) => {
      const plugin = listDiscovery(source);
      return {
        ...plugin,
        create: (context) => altered(plugin.create(context), (part) => change(part, context, source)),
      };
    },
  };
}

describe('the suite for discoveries', () => {
  it('passes one that keeps the contract', async () => {
    const failures = await failuresOf((runner) =>
      discoveryContract(
        runner,
        breaching(() => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => discoveryContract(runner, breaching(change)));
      expect([...failures.keys()]).toContain(caughtBy);
    });
  }
  it('catches one that takes wrong options', async () => {
    const refuses = { factory: () => undefined, options: [{ intervalMs: 1 }] };
    const failures = await failuresOf((runner) => discoveryContract(runner, { ...listHarness, refuses }));
    expect([...failures.keys()]).toEqual(['options: refuses {"intervalMs":1}', 'options: refuses {"noSuchOption":1}']);
  });
});
