import {
  Backoff,
  type BackoffOptions,
  checkOptions,
  type ClusterContext,
  type ClusterError,
  type LookupAnswer,
  type LookupOptions,
  type OptionRules,
  type PollingOptions,
  pollingRules,
  sleep,
} from '@quorate/core';

import { checkDiscoveries, Combination, combinationPlugin, type DiscoveryPlugin, throwIfAny } from './combination.ts';
import type { Source } from './source.ts';

/** What `anyOf` is told. */
export interface AnyOfOptions extends Pick<PollingOptions, 'timeoutMs' | 'backoff'> {
  /**
   * How long each source may take when it is asked.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * Between attempts to watch a source whose watch ended.
   * @default { baseMs: 1000, maxMs: 30000 }
   */
  readonly backoff?: BackoffOptions;
}

const rules: OptionRules<AnyOfOptions> = { timeoutMs: pollingRules.timeoutMs, backoff: pollingRules.backoff };

/**
 * Finds what any of several discoveries finds. Each keeps its own last good set, so that one that fails neither takes
 * away what others told nor holds them up; the union counts as complete only while the set of each is. This node is
 * registered with all that support it.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function anyOf(discoveries: readonly DiscoveryPlugin[], options: AnyOfOptions = {}): DiscoveryPlugin {
  const checked = checkOptions('anyOf', rules, options);
  const parts = checkDiscoveries('anyOf', discoveries);
  return combinationPlugin('anyOf', parts, (context, name) => new AnyOf(context, name, parts, checked));
}

class AnyOf extends Combination {
  readonly #context: ClusterContext;
  readonly #name: string;
  readonly #backoff: BackoffOptions;

  constructor(context: ClusterContext, name: string, parts: readonly DiscoveryPlugin[], options: AnyOfOptions) {
    const { timeoutMs = 5_000, backoff = { baseMs: 1_000, maxMs: 30_000 } } = options;
    super(context, name, parts, { timeoutMs, asks: 'atOnce', watch: undefined, backoff });
    this.#context = context;
    this.#name = name;
    this.#backoff = backoff;
  }

  /** All at once. Those that fail are stood in for by what they told last, as long as one of them answers. */
  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    const outcomes = await Promise.all(this.sources.map((source) => source.ask(signal)));
    const failures = outcomes.flatMap((outcome): ClusterError[] => ('error' in outcome ? [outcome.error] : []));
    const union = this.#union();
    // "Nobody" is believed only of all together.
    if (failures.length === this.sources.length || union.nodes.length === 0) throwIfAny('lookup', failures);
    for (const { message } of failures) this.#context.logger.warn(`${this.#name}: going on without ${message}`);
    return union;
  }

  /** Follows every source, for as long as somebody watches. */
  protected override async subscribe(publish: (answer: LookupAnswer) => void, options: LookupOptions): Promise<void> {
    const tell = () => {
      const union = this.#union();
      // The first that knows nobody says nothing about those that have not answered yet.
      if (union.nodes.length > 0 || this.sources.every(({ told }) => told !== undefined)) publish(union);
    };
    await Promise.all(this.sources.map((source) => this.#follow(source, tell, options.signal)));
  }

  /** A watch is to go on for ever; one that doesn't is begun again. */
  async #follow(source: Source, tell: () => void, signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#context;
    const backoff = new Backoff(random, this.#backoff);
    while (!signal.aborted) {
      try {
        for await (const snapshot of source.discovery.watch({ signal })) {
          backoff.reset();
          source.hear(snapshot);
          tell();
        }
        if (!signal.aborted) logger.warn(`${this.#name}: the watch of ${source.name} ended; watching again`);
      } catch (error) {
        if (!signal.aborted) logger.warn(`${this.#name}: the watch of ${source.name} failed: ${String(error)}`, error);
      }
      await sleep(clock, backoff.next(), { signal }).catch(() => undefined);
    }
  }

  #union(): Exclude<LookupAnswer, readonly unknown[]> {
    const told = this.sources.map((source) => source.told);
    return { nodes: told.flatMap((set) => set?.nodes ?? []), complete: told.every((set) => set?.complete === true) };
  }
}
