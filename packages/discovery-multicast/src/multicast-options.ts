import {
  type BackoffOptions,
  checkOptions,
  ClusterError,
  invalidOption,
  type OptionRule,
  type OptionRules,
  pollingRules,
  rule,
} from '@quorate/core';

import { MAX_INTERVAL_MS } from './datagram.ts';
import { checksumSeal, type Seal, secretSeal } from './seal.ts';

/** What `multicastDiscovery` is told. */
export interface MulticastDiscoveryOptions {
  /**
   * Shared by all nodes, at least 16 characters: what is announced without knowing it is ignored. Of several the first
   * signs and all are accepted, so that one can be replaced without a gap. This, or `insecure`.
   */
  readonly secret?: string | readonly string[];
  /**
   * Goes without a secret: whoever can send to the group can name addresses to be tried.
   * @default false
   */
  readonly insecure?: boolean;
  /**
   * The group's address, of IPv4 (224.0.0.0/4) or IPv6 (ff00::/8).
   * @default '239.255.81.82'
   */
  readonly group?: string;
  /**
   * Of UDP. All nodes on one machine share it.
   * @default 45981
   */
  readonly port?: number;
  /**
   * Through which interface: one of its IPv4 addresses, or `::%eth0` with the name of it where the group is of IPv6.
   * @default the system's choice: that of its default route
   */
  readonly interface?: string;
  /**
   * How many networks an announcement may pass through: 0 stays on this machine, 1 in the local network.
   * @default 1
   */
  readonly ttl?: number;
  /**
   * From one announcement of this node to the next, give or take a tenth.
   * @default 5000
   */
  readonly intervalMs?: number;
  /**
   * After how many announcements that didn't come another node is forgotten.
   * @default 5
   */
  readonly missed?: number;
  /**
   * How long `discoverNodes` waits for answers.
   * @default 500
   */
  readonly collectMs?: number;
  /**
   * Between attempts while the group can't be joined.
   * @default { baseMs: 1000, maxMs: 30000 }
   */
  readonly backoff?: BackoffOptions;
}

/** With the defaults in place. */
export interface CheckedMulticastOptions {
  readonly seal: Seal;
  readonly group: string;
  readonly port: number;
  readonly interface: string | undefined;
  readonly ttl: number;
  readonly intervalMs: number;
  readonly missed: number;
  readonly collectMs: number;
  readonly backoff: BackoffOptions | undefined;
}

const OWNER = 'multicastDiscovery';
const MIN_SECRET_LENGTH = 16;
const IPV4_GROUP = /^(?:22[4-9]|23\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/u;
const IPV6_GROUP = /^ff[0-9a-f]{2}:[0-9a-f:]{1,34}$/iu;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/u;
const IPV6_INTERFACE = /^::%[A-Za-z0-9_.-]{1,64}$/u;

const rules: OptionRules<MulticastDiscoveryOptions> = {
  secret: secretRule(),
  insecure: rule.flag(),
  group: rule.text('an address of 224.0.0.0/4 or ff00::/8', (text) => IPV4_GROUP.test(text) || IPV6_GROUP.test(text)),
  port: rule.integer({ min: 1, max: 65_535 }),
  interface: rule.text('an IPv4 address, or ::% and a name', (text) => IPV4.test(text) || IPV6_INTERFACE.test(text)),
  ttl: rule.integer({ min: 0, max: 255 }),
  intervalMs: rule.duration({ min: 100, max: MAX_INTERVAL_MS }),
  missed: rule.integer({ min: 2, max: 100 }),
  collectMs: rule.duration({ min: 250, max: 10_000 }),
  backoff: pollingRules.backoff,
};

/** @throws ClusterError `INVALID_OPTIONS`, which never quotes a secret */
export function checkMulticastOptions(given: MulticastDiscoveryOptions): CheckedMulticastOptions {
  const options = checkOptions(OWNER, rules, given);
  const { group = '239.255.81.82', port = 45_981, interface: through, ttl = 1 } = options;
  const { intervalMs = 5_000, missed = 5, collectMs = 500, backoff } = options;
  if (through !== undefined && through.includes(':') !== group.includes(':')) {
    throw invalidOption(OWNER, 'interface', `of the same kind as the group ${group}`, through);
  }
  const seal = chooseSeal(options);
  return { seal, group, port, interface: through, ttl, intervalMs, missed, collectMs, backoff };
}

function chooseSeal({ secret, insecure = false }: MulticastDiscoveryOptions): Seal {
  if (insecure === (secret !== undefined)) {
    const expected = insecure ? 'not beside a secret' : 'set, or insecure: true';
    throw new ClusterError('INVALID_OPTIONS', `${OWNER}: ${insecure ? 'insecure' : 'secret'} must be ${expected}`);
  }
  const [first, ...more] = typeof secret === 'string' ? [secret] : (secret ?? []);
  return first === undefined ? checksumSeal : secretSeal([first, ...more]);
}

function secretRule(): OptionRule<string | readonly string[]> {
  const expected = `a text of at least ${MIN_SECRET_LENGTH} characters, or a list of 1 to 8 of them`;
  const isSecret = (value: unknown) => typeof value === 'string' && value.length >= MIN_SECRET_LENGTH;
  return {
    expected,
    accept: (value) => {
      const secrets: readonly unknown[] = Array.isArray(value) ? [...(value as readonly unknown[])] : [value];
      if (secrets.length === 0 || secrets.length > 8 || !secrets.every(isSecret)) return undefined;
      return secrets as readonly string[];
    },
    // What came might be most of a secret.
    blame: () => ({ path: '', expected, got: 'something else' }),
  };
}
