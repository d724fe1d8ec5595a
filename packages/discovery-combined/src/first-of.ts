import {
  checkOptions,
  type ClusterContext,
  type ClusterError,
  type Logger,
  type LookupAnswer,
  type LookupOptions,
  type PollingOptions,
  pollingRules,
} from '@quorate/core';

import { checkDiscoveries, Combination, combinationPlugin, type DiscoveryPlugin, throwIfAny } from './combination.ts';

export interface FirstOfOptions extends PollingOptions {
  /**
   * How long each source may take before the next one is asked.
   * @default 5000
   */
  readonly timeoutMs?: number;
}

/**
 * Finds what the first of several discoveries finds that neither fails nor knows nobody. It asks in their order, each
 * time from the first, so that it returns to one that is back. This node is registered with all that support it.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function firstOf(discoveries: readonly DiscoveryPlugin[], options: FirstOfOptions = {}): DiscoveryPlugin {
  const checked = checkOptions('firstOf', pollingRules, options);
  const parts = checkDiscoveries('firstOf', discoveries);
  return combinationPlugin('firstOf', parts, (context, name) => new FirstOf(context, name, parts, checked));
}

class FirstOf extends Combination {
  readonly #logger: Logger;
  readonly #name: string;
  /** Index of the source that answered last. */
  #chosen = 0;

  constructor(context: ClusterContext, name: string, parts: readonly DiscoveryPlugin[], options: FirstOfOptions) {
    // A watch tells nothing of a source that fails: only asking does.
    super(context, name, parts, { timeoutMs: 5_000, ...options, asks: 'inTurn', watch: 'poll' });
    this.#logger = context.logger;
    this.#name = name;
  }

  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    const failures: ClusterError[] = [];
    // Whether one that was passed over had told of nodes, which may well be there still.
    let forgets = false;
    for (const [index, source] of this.sources.entries()) {
      const outcome = await source.ask(signal);
      if ('error' in outcome) failures.push(outcome.error);
      else if (outcome.nodes.length > 0) {
        this.#choose(index, failures);
        return { nodes: outcome.nodes, complete: source.told?.complete === true && !forgets };
      }
      forgets ||= (source.told?.nodes.length ?? 0) > 0;
    }
    throwIfAny('lookup', failures);
    return [];
  }

  #choose(index: number, failures: readonly ClusterError[]): void {
    const before = this.#chosen;
    this.#chosen = index;
    if (index === before) return;
    const name = this.sources[index]?.name ?? '';
    if (index < before) this.#logger.info(`${this.#name}: ${name} answers again`);
    else {
      const why = failures.map(({ message }) => message).join('; ') || 'those before it know nobody';
      this.#logger.warn(`${this.#name}: falling back to ${name}: ${why}`);
    }
  }
}
