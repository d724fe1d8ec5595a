import {
  type Address,
  type Blame,
  checkOptions,
  formatAddress,
  invalidOption,
  type OptionRule,
  type OptionRules,
  parseAddress,
  rule,
} from '@quorate/core';

/** What secures the way to etcd: texts in PEM. */
export interface EtcdTls {
  /**
   * Who signed the certificates of the members.
   * @default the authorities that Node.js knows
   */
  readonly ca?: string;
  /** This client's certificate, with `key`: where members ask for one (mTLS). */
  readonly cert?: string;
  readonly key?: string;
  /**
   * The name that the members' certificates carry, where it is none of the endpoints' own.
   * @default the endpoint's host
   */
  readonly serverName?: string;
}

/** Where etcd is, and how it is asked. */
export interface EtcdEngineOptions {
  /** The members, each as `http://host:port` or `https://host:port`: all with TLS or none. One is used until it fails. */
  readonly endpoints: readonly string[];
  /** With `password`: who this client is, where etcd has users. */
  readonly username?: string;
  /** A function is asked at each login, so that a password may change while the program runs. */
  readonly password?: string | (() => string | Promise<string>);
  /**
   * A function is asked when connections are made, and once more when they fail, so that certificates may change while
   * the program runs.
   * @default with `https:` endpoints: the authorities that Node.js knows, and no certificate
   */
  readonly tls?: EtcdTls | (() => EtcdTls | Promise<EtcdTls>);
  /**
   * How long a call may take in all, on whichever members.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * How long one member may take to answer before the next is asked. With one endpoint it is asked again.
   * @default 1000
   */
  readonly memberTimeoutMs?: number;
}

/** Checked, and complete. */
export interface EngineSettings {
  readonly members: readonly Address[];
  readonly secure: boolean;
  readonly user: { readonly name: string; readonly password: () => string | Promise<string> } | undefined;
  readonly tls: () => EtcdTls | Promise<EtcdTls>;
  readonly timeoutMs: number;
  readonly memberTimeoutMs: number;
}

const OWNER = 'etcdEngine';
const MAX_ENDPOINTS = 64;
const MAX_TIMEOUT_MS = 600_000;
const ENDPOINT = /^(https?):\/\/([^/?#@\s]+)\/?$/u;

/** @throws ClusterError `INVALID_OPTIONS`, never quoting a secret */
export function readEngineOptions(given: EtcdEngineOptions): EngineSettings {
  const options = checkOptions<EtcdEngineOptions>(OWNER, rules, given);
  const { username, password, tls = {}, timeoutMs = 5_000, memberTimeoutMs = 1_000 } = options;
  const parsed = readEndpoints(options.endpoints);
  const secure = parsed.some(({ scheme }) => scheme === 'https');
  if (!secure && options.tls !== undefined) throw invalidOption(OWNER, 'tls', 'left out with http: endpoints', 'it');
  if ((username === undefined) !== (password === undefined)) {
    const missing = username === undefined ? 'username' : 'password';
    throw invalidOption(OWNER, missing, 'there: username and password go together', undefined);
  }
  if (memberTimeoutMs > timeoutMs) throw invalidOption(OWNER, 'memberTimeoutMs', 'at most timeoutMs', memberTimeoutMs);
  return {
    members: parsed.map(({ address }) => address),
    secure,
    user: username === undefined ? undefined : { name: username, password: asFunction(password ?? '') },
    tls: typeof tls === 'function' ? async () => checkTls(await tls()) : () => tls,
    timeoutMs,
    memberTimeoutMs,
  };
}

function readEndpoints(endpoints: readonly string[] | undefined) {
  const refuse = (expected: string, got: unknown) => invalidOption(OWNER, 'endpoints', expected, got);
  if (endpoints === undefined) throw refuse(rules.endpoints.expected, endpoints);
  if (endpoints.length === 0 || endpoints.length > MAX_ENDPOINTS) {
    throw refuse(`from 1 to ${MAX_ENDPOINTS} members`, endpoints.length);
  }
  const parsed = endpoints.map((text) => parseEndpoint(text)).filter((endpoint) => endpoint !== undefined);
  if (new Set(parsed.map(({ scheme }) => scheme)).size > 1) throw refuse('all http: or all https:', 'both');
  const distinct = new Set(parsed.map(({ address }) => formatAddress(address)));
  if (distinct.size < parsed.length) throw refuse('different members', 'one twice');
  return parsed;
}

function parseEndpoint(text: unknown): { readonly scheme: string; readonly address: Address } | undefined {
  const [, scheme, place] = (typeof text === 'string' && ENDPOINT.exec(text)) || [];
  if (scheme === undefined || place === undefined) return undefined;
  try {
    const address = parseAddress(place);
    return address.port === 0 ? undefined : { scheme, address };
  } catch {
    return undefined;
  }
}

function asFunction(value: string | (() => string | Promise<string>)): () => string | Promise<string> {
  return typeof value === 'function' ? value : () => value;
}

const text = (expected: string): OptionRule<string> => secret(rule.text(expected));

const tlsRules: OptionRules<EtcdTls> = {
  ca: text('certificates in PEM'),
  cert: text('certificates in PEM'),
  key: text('a key in PEM'),
  serverName: rule.text(),
};

/** @throws ClusterError `INVALID_OPTIONS` */
function checkTls(value: unknown): EtcdTls {
  const tls = checkOptions<EtcdTls>(`${OWNER}: tls`, tlsRules, value);
  if ((tls.cert === undefined) === (tls.key === undefined)) return tls;
  const missing = tls.cert === undefined ? 'cert' : 'key';
  throw invalidOption(`${OWNER}: tls`, missing, 'there: cert and key go together', undefined);
}

const endpointRule: OptionRule<string> = {
  expected: 'http://host:port or https://host:port, without user and path',
  accept: (value) => (parseEndpoint(value) === undefined ? undefined : (value as string)),
};

const HIDDEN = 'one that is not shown';

function firstWrong(value: unknown): Blame | undefined {
  const at = Array.isArray(value) ? value.findIndex((item) => parseEndpoint(item) === undefined) : -1;
  return at < 0 ? undefined : { path: `[${at}]`, expected: endpointRule.expected, got: HIDDEN };
}

const rules: OptionRules<EtcdEngineOptions> = {
  endpoints: { ...rule.list(endpointRule), blame: firstWrong },
  username: rule.text(),
  password: secret<string | (() => string | Promise<string>)>({
    expected: 'a text that is not empty, or a function that gives one',
    accept: (value) => {
      if (typeof value === 'function') return value as () => string | Promise<string>;
      return typeof value === 'string' && value !== '' ? value : undefined;
    },
  }),
  tls: secret<NonNullable<EtcdEngineOptions['tls']>>({
    expected: 'an object, or a function that gives one',
    accept: (value) => {
      if (typeof value === 'function') return value as () => EtcdTls | Promise<EtcdTls>;
      return typeof value === 'object' && value !== null ? checkTls(value) : undefined;
    },
  }),
  timeoutMs: rule.duration({ min: 10, max: MAX_TIMEOUT_MS }),
  memberTimeoutMs: rule.duration({ min: 10, max: MAX_TIMEOUT_MS }),
};

/** The same rule, whose refusal doesn't quote what came: it may be a password, or carry one. */
function secret<T>(of: OptionRule<T>): OptionRule<T> {
  return { ...of, blame: () => ({ path: '', expected: of.expected, got: HIDDEN }) };
}
