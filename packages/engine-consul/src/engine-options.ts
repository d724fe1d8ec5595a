import { checkOptions, ClusterError, type OptionRule, type OptionRules, rule } from '@quorate/core';

import type { ConsulTls, HttpExchange } from './http-exchange.ts';

/** A secret, or what gets the one that is valid now; asked before each request. */
export type ConsulToken = string | (() => string | Promise<string>);

/** Where Consul is, and how it is asked. */
export interface ConsulEngineOptions {
  /**
   * Where Consul answers: `http://host:port`, `https://host:port`, or `host:port`. Nodes that register need it to be the
   * agent of their own machine.
   * @default 'http://127.0.0.1:8500'
   */
  readonly address?: string;
  /**
   * The ACL token. A function is asked before each request, so that a token can be rotated.
   * @default none: the rights of the anonymous token
   */
  readonly token?: ConsulToken;
  /** For addresses with `https:`. A function is asked before each request, so that certificates can be rotated. */
  readonly tls?: ConsulTls | (() => ConsulTls | Promise<ConsulTls>);
  /**
   * The datacenter that is read.
   * @default the agent's own
   */
  readonly datacenter?: string;
  /** Of Consul Enterprise. */
  readonly namespace?: string;
  /**
   * How long Consul may take to answer. Of a blocking query: beyond the time for which it was asked to block.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * What carries the requests.
   * @default HTTP by Node.js
   */
  readonly exchange?: (target: URL) => HttpExchange;
}

/** Options in their normal form. */
export interface EngineSettings {
  readonly target: URL;
  readonly token: () => string | undefined | Promise<string>;
  readonly tls: () => ConsulTls | undefined | Promise<ConsulTls>;
  /** Goes with every request. */
  readonly query: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const OWNER = 'consulEngine';
const HOUR_MS = 3_600_000;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/u;
const HEADER_TEXT = /^[\x21-\x7e]{1,4096}$/u;

/** @throws ClusterError `INVALID_OPTIONS`, which never quotes a secret */
export function readEngineOptions(options: ConsulEngineOptions): EngineSettings {
  const given = checkOptions<ConsulEngineOptions>(OWNER, rules, options);
  const { address = 'http://127.0.0.1:8500', token, tls, datacenter, namespace, timeoutMs = 5_000 } = given;
  const target = readAddress(address) as URL;
  if (tls !== undefined && target.protocol !== 'https:') {
    throw new ClusterError('INVALID_OPTIONS', `${OWNER}: tls is only for an address with https:, got ${target.origin}`);
  }
  const query = Object.entries({ dc: datacenter, ns: namespace }).filter(([, value]) => value !== undefined);
  return {
    target,
    token: typeof token === 'function' ? token : () => token,
    tls: typeof tls === 'function' ? tls : () => tls,
    query: Object.fromEntries(query) as Record<string, string>,
    timeoutMs,
  };
}

/** Whether a text can be sent as a token. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && HEADER_TEXT.test(value);
}

export function isTls(value: unknown): value is ConsulTls {
  if (typeof value !== 'object' || value === null) return false;
  const { ca, cert, key, serverName, ...others } = value as Record<keyof ConsulTls, unknown>;
  const texts = [ca, cert, key, serverName].every((text) => text === undefined || typeof text === 'string');
  return texts && Object.keys(others).length === 0 && (cert === undefined) === (key === undefined);
}

/** A rule whose message doesn't quote what came: it might be a secret. */
function secretRule<T>(expected: string, accepts: (value: unknown) => boolean): OptionRule<T> {
  return {
    ...rule.value<T>(expected, accepts),
    blame: (value) => ({ path: '', expected, got: `another ${typeof value}, which is not shown` }),
  };
}

const rules: OptionRules<ConsulEngineOptions> = {
  address: secretRule<string>(
    'http://host:port or https://host:port, without user, path or query',
    (value) => typeof value === 'string' && readAddress(value) !== undefined,
  ),
  token: secretRule<ConsulToken>(
    'a text of at most 4096 visible characters, or a function that gets one',
    (value) => typeof value === 'function' || isToken(value),
  ),
  tls: secretRule('{ ca?, cert? with key?, serverName? }, or a function that gets it', (value) => {
    return typeof value === 'function' || isTls(value);
  }),
  datacenter: rule.text('the name of a datacenter', (text) => NAME.test(text)),
  namespace: rule.text('the name of a namespace', (text) => NAME.test(text)),
  timeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  exchange: rule.value('a function', (value) => typeof value === 'function'),
};

function readAddress(text: string): URL | undefined {
  try {
    const url = new URL(text.includes('://') ? text : `http://${text}`);
    const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
    return isPlain && isHttp && url.pathname === '/' && url.hostname !== '' ? url : undefined;
  } catch {
    return undefined;
  }
}
