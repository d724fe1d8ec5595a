import {
  type Address,
  type BackoffOptions,
  checkOptions,
  invalidOption,
  isAddress,
  type OptionRule,
  type OptionRules,
  parseAddress,
  type PollingOptions,
  pollingRules,
  rule,
} from '@quorate/core';

import { isDnsName } from './dns-name.ts';
import { canonicalIp } from './ip-address.ts';
import { DNS_PORT, MAX_NDOTS, MAX_RESOLVERS, MAX_SEARCH } from './resolver-settings.ts';

/** What `dnsDiscovery` is told. */
export interface DnsDiscoveryOptions {
  /**
   * What to ask for. A name alone, as in `_quorate._tcp.example.com`: its SRV records, which tell ports too. A name with
   * a port, as in `nodes.example.com:7000`: its addresses, each with that port. At most 32.
   */
  readonly names: readonly string[];
  /**
   * The IP addresses of the servers to ask, in this order; with a port where it is not 53, as in `127.0.0.1:8600`.
   * @default those that the system asks, by /etc/resolv.conf
   */
  readonly resolvers?: readonly string[];
  /**
   * Endings with which names are completed that don't end with a dot.
   * @default those of the system; none where `resolvers` is given
   */
  readonly search?: readonly string[];
  /**
   * A name with fewer dots is completed before it is tried as it is.
   * @default as the system has it; 1 where `resolvers` is given
   */
  readonly ndots?: number;
  /**
   * Which addresses to look for.
   * @default 'both'
   */
  readonly family?: 'both' | 'ipv4' | 'ipv6';
  /**
   * `target`: the first label of the target of an SRV record is the id of the node there, as with the pods of a
   * StatefulSet, or wherever host names are node ids. `none`: nodes say who they are when they are connected.
   * @default 'none'
   */
  readonly nodeIds?: 'none' | 'target';
  /**
   * An answer is asked for again when its TTL is over, but no earlier than this after it came.
   * @default 1000
   */
  readonly minRefreshMs?: number;
  /**
   * And no later than this.
   * @default 30000
   */
  readonly maxRefreshMs?: number;
  /**
   * How long one resolver may take to answer one question, by each of UDP and TCP.
   * @default 1000
   */
  readonly attemptTimeoutMs?: number;
  /**
   * How long all questions together may take.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * Between attempts while no resolver answers.
   * @default { baseMs: 1000, maxMs: 30000 }
   */
  readonly backoff?: BackoffOptions;
}

/** Options in their normal form. */
export interface CheckedDnsOptions extends Required<
  Omit<DnsDiscoveryOptions, Renamed | 'search' | 'ndots' | 'backoff'>
> {
  readonly names: readonly WantedName[];
  readonly resolvers: readonly Address[] | undefined;
  readonly search: readonly string[] | undefined;
  readonly ndots: number | undefined;
  readonly polling: PollingOptions;
}

/** Without a port: a service. */
export interface WantedName {
  readonly name: string;
  readonly port: number | undefined;
}

type Renamed = 'names' | 'resolvers';
type GivenOptions = Omit<DnsDiscoveryOptions, Renamed> & {
  readonly names: readonly WantedName[];
  readonly resolvers?: readonly Address[];
};

const OWNER = 'dnsDiscovery';
const MAX_NAMES = 32;
const HOUR_MS = 3_600_000;

const wantedName: OptionRule<WantedName> = {
  expected: 'a name, or name:port',
  accept: (value) => (typeof value === 'string' ? readName(value) : undefined),
};

const resolver: OptionRule<Address> = {
  expected: 'an IP address, with a port or without',
  accept: (value) => (typeof value === 'string' ? readResolver(value) : undefined),
};

const rules: OptionRules<GivenOptions> = {
  names: rule.list(wantedName),
  resolvers: rule.list(resolver),
  search: rule.list(rule.text('the name of a domain', isDnsName)),
  ndots: rule.integer({ min: 0, max: MAX_NDOTS }),
  family: rule.oneOf('both', 'ipv4', 'ipv6'),
  nodeIds: rule.oneOf('none', 'target'),
  minRefreshMs: rule.duration({ min: 10, max: HOUR_MS }),
  maxRefreshMs: rule.duration({ min: 10, max: HOUR_MS }),
  attemptTimeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  timeoutMs: pollingRules.timeoutMs,
  backoff: pollingRules.backoff,
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkDnsOptions(options: DnsDiscoveryOptions): CheckedDnsOptions {
  const given = checkOptions<GivenOptions>(OWNER, rules, options);
  const { resolvers, search, ndots, family = 'both', nodeIds = 'none', backoff } = given;
  const { minRefreshMs = 1_000, maxRefreshMs = 30_000, attemptTimeoutMs = 1_000, timeoutMs = 5_000 } = given;
  checkCount('names', given.names, MAX_NAMES);
  if (resolvers !== undefined) checkCount('resolvers', resolvers, MAX_RESOLVERS);
  if (search !== undefined && search.length > MAX_SEARCH) {
    throw invalidOption(OWNER, 'search', `a list of at most ${MAX_SEARCH}`, search.length);
  }
  checkOrder('minRefreshMs', minRefreshMs, 'maxRefreshMs', maxRefreshMs);
  checkOrder('attemptTimeoutMs', attemptTimeoutMs, 'timeoutMs', timeoutMs);
  const polling = backoff === undefined ? { timeoutMs } : { timeoutMs, backoff };
  const times = { minRefreshMs, maxRefreshMs, attemptTimeoutMs, timeoutMs };
  return { names: given.names, resolvers, search, ndots, family, nodeIds, polling, ...times };
}

function checkCount(name: string, list: readonly unknown[] | undefined, max: number): void {
  if (list !== undefined && list.length > 0 && list.length <= max) return;
  throw invalidOption(OWNER, name, `a list of 1 to ${max}`, list?.length);
}

function checkOrder(lesser: string, low: number, greater: string, high: number): void {
  if (low > high) throw invalidOption(OWNER, lesser, `no more than ${greater}, which is ${high}`, low);
}

function readName(text: string): WantedName | undefined {
  const [, name = '', port] = /^(?<name>[^:]*)(?::(?<port>\d{1,5}))?$/u.exec(text) ?? [];
  const number = port === undefined ? undefined : Number(port);
  const isWanted = isDnsName(name) && (number === undefined || (number > 0 && number <= 0xffff));
  return isWanted ? { name, port: number } : undefined;
}

function readResolver(text: string): Address | undefined {
  const bare = canonicalIp(text);
  if (bare !== undefined) return { host: bare, port: DNS_PORT };
  try {
    const { host: named, port } = parseAddress(text);
    const host = canonicalIp(named);
    const address = { host, port };
    return isAddress(address) && port > 0 ? address : undefined;
  } catch {
    return undefined;
  }
}
