import {
  type Address,
  BaseClusterDiscovery,
  type ClusterContext,
  ClusterError,
  type IClusterDiscovery,
  type LookupAnswer,
  type LookupOptions,
  type Plugin,
  settleWithin,
} from '@quorate/core';

import { DnsClient } from './dns-client.ts';
import { fullNames } from './dns-name.ts';
import { type CheckedDnsOptions, checkDnsOptions, type DnsDiscoveryOptions, type WantedName } from './dns-options.ts';
import { type AddressType, findHosts, type FoundNodes, findService } from './find-nodes.ts';
import { type ResolverSettings, systemSettings } from './resolver-settings.ts';

/**
 * Finds nodes by DNS: by the SRV records of names, or by their addresses. Nodes can't be registered: whoever keeps the
 * zone does that.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function dnsDiscovery(options: DnsDiscoveryOptions): Plugin<IClusterDiscovery, 'discovery'> {
  const checked = checkDnsOptions(options);
  return {
    name: NAME,
    kind: 'discovery',
    requires: [],
    create: (context) => new DnsDiscovery(context, checked),
  };
}

const NAME = 'discovery-dns';
/** The part of its time that a look spends on questions. */
const PATIENCE = 0.9;
const FAMILIES: Readonly<Record<CheckedDnsOptions['family'], readonly AddressType[]>> = {
  both: ['A', 'AAAA'],
  ipv4: ['A'],
  ipv6: ['AAAA'],
};

class DnsDiscovery extends BaseClusterDiscovery {
  readonly #context: ClusterContext;
  readonly #options: CheckedDnsOptions;
  readonly #client: DnsClient;

  constructor(context: ClusterContext, options: CheckedDnsOptions) {
    super(context, NAME, options.polling);
    this.#context = context;
    this.#options = options;
    this.#client = new DnsClient(context, options);
  }

  protected override lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    return this.#withPatience(signal, (patience) => this.#look(patience));
  }

  protected override release(): Promise<void> {
    return this.#client.idle();
  }

  /**
   * Gives up what is still open while there is time to tell what was found: a name or a target to which nobody answers
   * must not take the others along.
   */
  async #withPatience<T>(signal: AbortSignal, call: (patience: AbortSignal) => Promise<T>): Promise<T> {
    const patience = new AbortController();
    const end = () => patience.abort(signal.reason);
    const timer = this.#context.clock.setTimer(this.#options.timeoutMs * PATIENCE, () => {
      patience.abort(new ClusterError('TIMEOUT', 'the time for all questions is over'));
    });
    signal.addEventListener('abort', end, { once: true });
    try {
      return await call(patience.signal);
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', end);
    }
  }

  async #look(signal: AbortSignal): Promise<LookupAnswer> {
    const settings = await this.#settings(signal);
    const { names } = this.#options;
    const outcomes = await Promise.allSettled(names.map((wanted) => this.#find(wanted, settings, signal)));
    const found = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    const nodes = found.flatMap((each) => each.nodes);
    // Names that are denied must not make those that failed look empty.
    if (nodes.length === 0 && failed.length > 0) throw failed[0];
    return {
      nodes,
      complete: failed.length === 0 && found.every(({ isComplete }) => isComplete),
      problems: [...found.flatMap(({ problems }) => problems), ...failed.map(String)],
      refreshMs: this.#refreshMs(Math.min(...found.map(({ ttlSeconds }) => ttlSeconds))),
    };
  }

  async #settings(signal: AbortSignal): Promise<ResolverSettings> {
    const { resolvers, search, ndots } = this.#options;
    if (resolvers !== undefined) return { resolvers, search: search ?? [], ndots: ndots ?? 1 };
    const system = await settleWithin<ResolverSettings>(signal, NAME, (resolve, reject) => {
      systemSettings(this.#context.disk).then(resolve, reject);
      return () => undefined;
    });
    return { ...system, search: search ?? system.search, ndots: ndots ?? system.ndots };
  }

  /** By the first of the names that may be meant under which there is anything. */
  async #find(wanted: WantedName, settings: ResolverSettings, signal: AbortSignal): Promise<FoundNodes> {
    const denied: FoundNodes[] = [];
    const failures: unknown[] = [];
    for (const name of fullNames(wanted.name, settings)) {
      try {
        const found = await this.#findUnder({ name, port: wanted.port }, settings.resolvers, signal);
        if (found.nodes.length > 0) return failures.length === 0 ? found : unsure(found, failures);
        denied.push(found);
      } catch (error) {
        failures.push(error);
      }
    }
    // The name that failed may be the one that is meant.
    if (failures.length > 0) throw failures[0];
    const ttlSeconds = Math.min(...denied.map((each) => each.ttlSeconds));
    // Beside a name that leads to nodes, one that doesn't is more likely to be a mistake than the end of its nodes.
    return { nodes: [], ttlSeconds, isComplete: false, problems: [`${wanted.name}: nothing is known under this name`] };
  }

  #findUnder({ name, port }: WantedName, resolvers: readonly Address[], signal: AbortSignal): Promise<FoundNodes> {
    const { family, nodeIds } = this.#options;
    const source = { client: this.#client, resolvers, families: FAMILIES[family], namesNodes: nodeIds === 'target' };
    return port === undefined ? findService(source, name, signal) : findHosts(source, { host: name, port }, signal);
  }

  /** A little early, so that nodes that began together don't ask together for ever. */
  #refreshMs(ttlSeconds: number): number {
    const { minRefreshMs, maxRefreshMs } = this.#options;
    const early = Math.min(ttlSeconds * 1_000, maxRefreshMs) * (1 - 0.1 * this.#context.random.next());
    return Math.max(minRefreshMs, early);
  }
}

function unsure(found: FoundNodes, failures: readonly unknown[]): FoundNodes {
  return { ...found, isComplete: false, problems: [...found.problems, ...failures.map(String)] };
}
