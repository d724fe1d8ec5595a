import { checkOptions, invalidOption, type OptionRules, rule } from './option-rules.ts';

/** The secrets of a cluster at one moment. */
export interface Secrets {
  /** The one that this node begins connections and seals datagrams with. It is accepted too. */
  readonly use: string;
  /**
   * Others that are accepted from peers.
   * @default none
   */
  readonly accept?: readonly string[];
}

/** Shorter ones could be found by trying. */
export const MIN_SECRET_LENGTH = 16;
export const MAX_SECRET_LENGTH = 1_024;
/** Each is tried, or looked up, when a peer comes. */
const MAX_SECRETS = 16;

const secretRule = rule.secret({ min: MIN_SECRET_LENGTH, max: MAX_SECRET_LENGTH });

const rules: OptionRules<Secrets> = { use: secretRule, accept: rule.list(secretRule) };

/**
 * The secrets of a cluster, which can be changed while it runs. To replace one without a gap: have every node accept the new
 * one, then have every node use it, then have none accept the old one.
 */
export class Keyring {
  #use: string;
  #accept: readonly string[];
  /** Those that are told of a change. */
  readonly #watchers = new Set<() => void>();

  /** @throws ClusterError `INVALID_OPTIONS`; the message never shows a secret */
  constructor(secrets: Secrets) {
    const { use, accept } = checkSecrets(secrets);
    this.#use = use;
    this.#accept = accept;
  }

  /** The secret that this node uses. */
  get use(): string {
    return this.#use;
  }

  /** All that are accepted, that in use first, none twice. */
  get accept(): readonly string[] {
    return this.#accept;
  }

  /**
   * From now on these are the secrets. What is connected stays connected, as long as its peer shows in time that it has
   * one that is still accepted.
   * @throws ClusterError `INVALID_OPTIONS`: then nothing has changed. What a watcher throws comes once all have been told
   */
  change(secrets: Secrets): void {
    const { use, accept } = checkSecrets(secrets);
    this.#use = use;
    this.#accept = accept;
    const failures: unknown[] = [];
    for (const told of this.#watchers) {
      try {
        told();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Called after each change. Disposing the result ends that. */
  onChange(told: () => void): Disposable {
    const own = () => told();
    this.#watchers.add(own);
    return { [Symbol.dispose]: () => void this.#watchers.delete(own) };
  }
}

function checkSecrets(secrets: Secrets): Required<Secrets> {
  const { use, accept = [] }: Partial<Secrets> = checkOptions('Keyring', rules, secrets);
  if (use === undefined) throw invalidOption('Keyring', 'use', secretRule.expected, use);
  const all = [...new Set([use, ...accept])];
  if (all.length > MAX_SECRETS) throw invalidOption('Keyring', 'accept', `at most ${MAX_SECRETS - 1} secrets`, 'more');
  return { use, accept: all };
}
