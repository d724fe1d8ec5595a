import {
  BaseClusterDiscovery,
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type ClusterNode,
  type ClusterPlan,
  type DiscoverySupport,
  type IClusterDiscovery,
  invalidOption,
  type LookupOptions,
  type NodeId,
  type Plugin,
  type PollingOptions,
  toClusterError,
} from '@quorate/core';

import { Source } from './source.ts';

/** A discovery, chosen and configured: what is combined, and what a combination is. */
export type DiscoveryPlugin = Plugin<IClusterDiscovery, 'discovery'>;

/** The most discoveries in one combination. */
export const MAX_COMBINED = 16;

/** What a combination adds to the time of its sources, so that it is they who are late and not it. */
const OWN_TIME_MS = 500;

/** A combination's own options, with the time that each of its sources may take. */
export interface CombinationOptions extends PollingOptions {
  readonly timeoutMs: number;
  /** One after the other, or all at once. */
  readonly asks: 'inTurn' | 'atOnce';
  readonly watch: DiscoverySupport['watch'] | undefined;
}

/** What all combinations share: their sources, and registration with each that supports it. */
export abstract class Combination extends BaseClusterDiscovery {
  override readonly supports: DiscoverySupport;
  /** There where exactly one source has it: two could decide differently who forms a cluster. */
  readonly claim?: NonNullable<IClusterDiscovery['claim']>;
  protected readonly sources: readonly Source[];
  /** How long it may take when it is asked. */
  readonly #withinMs: number;

  constructor(
    context: ClusterContext,
    name: string,
    discoveries: readonly DiscoveryPlugin[],
    { asks, watch, timeoutMs, ...polling }: CombinationOptions,
  ) {
    const made = createAll(discoveries, context);
    // A combination has as long as its own sources may take, or those of them that answer would be cut off.
    const times = made.map((one) => (one instanceof Combination ? Math.max(timeoutMs, one.#withinMs) : timeoutMs));
    const withinMs = (asks === 'atOnce' ? Math.max(...times) : times.reduce((sum, ms) => sum + ms, 0)) + OWN_TIME_MS;
    super(context, name, { ...polling, timeoutMs: withinMs });
    this.#withinMs = withinMs;
    this.sources = made.map(
      (one, at) => new Source(discoveries[at]?.name ?? '', one, context.clock, times[at] ?? timeoutMs),
    );
    const each = this.sources.map(({ discovery }) => discovery.supports);
    const claimants = this.sources
      .map(({ discovery }) => discovery)
      .filter((discovery) => discovery.supports.createIfAbsent && discovery.claim !== undefined);
    this.supports = {
      registration: each.some(({ registration }) => registration),
      watch: watch ?? (each.every((one) => one.watch === 'push') ? 'push' : 'poll'),
      createIfAbsent: claimants.length === 1,
    };
    const [claimant] = claimants;
    const claim = claimants.length === 1 ? claimant?.claim?.bind(claimant) : undefined;
    if (claim !== undefined) this.claim = claim;
  }

  protected override async register(node: ClusterNode, options: LookupOptions): Promise<void> {
    if (!this.supports.registration) return await super.register(node, options);
    await this.#atEach('register', options, (discovery, inner) => discovery.registerNode(node, inner));
  }

  protected override async unregister(nodeId: NodeId, options: LookupOptions): Promise<void> {
    if (!this.supports.registration) return await super.unregister(nodeId, options);
    await this.#atEach('unregister', options, (discovery, inner) => discovery.unregisterNode(nodeId, inner));
  }

  /** The last made goes first. None waits for another, since one of them may hang. */
  protected override async release(): Promise<void> {
    const closing = [...this.sources].reverse().map(async ({ name, discovery }) => {
      try {
        await discovery[Symbol.asyncDispose]();
      } catch (error) {
        throw toClusterError(error, 'IO', `close ${name}`);
      }
    });
    throwIfAny('dispose', failuresOf(await Promise.allSettled(closing)));
  }

  /** All at once, each to its end: one that fails keeps no other from being told. Rejects when any failed. */
  async #atEach(
    what: string,
    { signal }: LookupOptions,
    call: (discovery: IClusterDiscovery, options: CallOptions) => Promise<void>,
  ): Promise<void> {
    const able = this.sources.filter(({ discovery }) => discovery.supports.registration);
    const calls = able.map(async (source) => {
      await source.within(what, (options) => call(source.discovery, options), signal);
    });
    throwIfAny(what, failuresOf(await Promise.allSettled(calls)));
  }
}

/**
 * What a combination refuses and requires is what its parts do.
 * @param combinator the factory, for messages
 */
export function combinationPlugin(
  combinator: string,
  discoveries: readonly DiscoveryPlugin[],
  create: (context: ClusterContext, name: string) => IClusterDiscovery,
): DiscoveryPlugin {
  const name = `${combinator}(${discoveries.map((part) => part.name).join(', ')})`;
  return {
    name,
    kind: 'discovery',
    requires: [...new Set(discoveries.flatMap(({ requires }) => requires))],
    provides: [...new Set(discoveries.flatMap(({ provides = [] }) => provides))],
    check: (plan: ClusterPlan) => {
      for (const part of discoveries) part.check?.(plan);
    },
    create: (context) => create(context, name),
  };
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkDiscoveries(combinator: string, given: unknown): readonly DiscoveryPlugin[] {
  const refuse = (expected: string, got: unknown) => invalidOption(combinator, 'discoveries', expected, got);
  if (!Array.isArray(given)) throw refuse('a list of discoveries', given);
  if (given.length === 0 || given.length > MAX_COMBINED) throw refuse(`1 to ${MAX_COMBINED} of them`, given.length);
  for (const part of given as readonly unknown[]) {
    if (!isDiscovery(part)) throw refuse('a list of discoveries, as staticDiscovery() makes one', part);
  }
  return [...(given as readonly DiscoveryPlugin[])];
}

function isDiscovery(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, create } = value as Partial<DiscoveryPlugin>;
  return kind === 'discovery' && typeof create === 'function';
}

/** One error that tells of all: with their code where they agree about it. */
export function throwIfAny(what: string, failures: readonly ClusterError[]): void {
  const [first] = failures;
  if (first === undefined) return;
  const code = failures.every((failure) => failure.code === first.code) ? first.code : 'IO';
  const reasons = failures.map(({ message }) => message).join('; ');
  throw new ClusterError(code, `${what}: ${reasons}`, { cause: new AggregateError(failures, what) });
}

/** All of them, or none: those that were made when one refuses are disposed of, the last first. */
function createAll(discoveries: readonly DiscoveryPlugin[], context: ClusterContext): readonly IClusterDiscovery[] {
  const made: IClusterDiscovery[] = [];
  try {
    for (const plugin of discoveries) made.push(plugin.create(context));
    return made;
  } catch (error) {
    for (const one of made.reverse()) one[Symbol.asyncDispose]().then(undefined, () => undefined);
    throw error;
  }
}

function failuresOf(results: readonly PromiseSettledResult<void>[]): readonly ClusterError[] {
  return results.flatMap((result) =>
    result.status === 'rejected' ? [toClusterError(result.reason as unknown, 'IO', 'a source')] : [],
  );
}
