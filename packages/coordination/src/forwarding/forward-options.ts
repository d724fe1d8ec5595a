import { type CallOptions, checkOptions, type Codec, type OptionRules, rule } from '@quorate/core';
import type { Forwarder } from './forwarder.ts';
import { isRequestId } from './request-id.ts';
import type { RequestMemory } from './request-memory.ts';

/** What `forwardToLeader` is told. */
export interface ForwardOptions {
  /** @default over the cluster's transport: `transportForwarder(cluster)` */
  readonly forwarder?: Forwarder;
  /**
   * Remembers what was done, so that a request that is repeated is not done again.
   * @default for as long as one leader leads: `termMemory()`
   */
  readonly memory?: RequestMemory;
  /**
   * How what is asked and answered becomes bytes.
   * @default JSON
   */
  readonly codec?: Codec<unknown>;
  /**
   * The longest that a request takes, a change of leader included, unless the call says otherwise.
   * @default 10000
   */
  readonly timeoutMs?: number;
  /**
   * How long one attempt waits for its answer before it is repeated, under the same id, at whoever leads by then.
   * @default 2000
   */
  readonly attemptTimeoutMs?: number;
  /**
   * How long disposing waits for what is under way here, asked for or being done, before it is given up.
   * @default 2000
   */
  readonly drainTimeoutMs?: number;
  /**
   * How often in a row a request is sent on because another node is said to lead.
   * @default 5
   */
  readonly maxHops?: number;
  /**
   * The most requests of this node that wait, and the most that it does as a leader at one time. Further ones are refused.
   * @default 256
   */
  readonly maxInFlight?: number;
  /**
   * The largest request or answer, in bytes.
   * @default 262144
   */
  readonly maxBytes?: number;
}

export interface ForwardCallOptions extends CallOptions {
  /** @default that of `forwardToLeader` */
  readonly timeoutMs?: number;
  /**
   * 1 to 64 letters, digits, `.`, `_`, `:` and `-`. Who repeats a call under the same id gets the first one's answer, as far
   * as it is remembered.
   * @default made by chance
   */
  readonly requestId?: string;
}

export type ForwardSettings = Omit<Required<ForwardOptions>, 'forwarder' | 'memory'>;

const HOUR_MS = 3_600_000;
const timeout = rule.duration({ min: 1, max: HOUR_MS });

const rules: OptionRules<ForwardOptions> = {
  forwarder: rule.value('a forwarder with send and serve', (value) => hasMethods(value, ['send', 'serve'])),
  memory: rule.value('a memory with begin and answer', (value) => hasMethods(value, ['begin', 'answer'])),
  codec: rule.value('a codec with encode and decode', (value) => hasMethods(value, ['encode', 'decode'])),
  timeoutMs: timeout,
  attemptTimeoutMs: timeout,
  drainTimeoutMs: rule.duration({ min: 0, max: HOUR_MS }),
  maxHops: rule.integer({ min: 0, max: 100 }),
  maxInFlight: rule.integer({ min: 1, max: 100_000 }),
  maxBytes: rule.integer({ min: 1, max: 16 * 1024 * 1024 }),
};

const callRules: OptionRules<ForwardCallOptions> = {
  signal: rule.value('an AbortSignal', (value) => value instanceof AbortSignal),
  timeoutMs: timeout,
  requestId: rule.text('1 to 64 letters, digits, ".", "_", ":" and "-"', isRequestId),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readForwardOptions(options: ForwardOptions): ForwardOptions & ForwardSettings {
  const checked = checkOptions<ForwardOptions>('forwardToLeader', rules, options);
  return {
    codec: jsonCodec,
    timeoutMs: 10_000,
    attemptTimeoutMs: 2000,
    drainTimeoutMs: 2000,
    maxHops: 5,
    maxInFlight: 256,
    maxBytes: 256 * 1024,
    ...checked,
  };
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function readCallOptions(options: ForwardCallOptions): ForwardCallOptions {
  return checkOptions<ForwardCallOptions>('forwarded call', callRules, options);
}

/** No bytes are `undefined`, which JSON doesn't have. */
const jsonCodec: Codec<unknown> = {
  encode: (value) => (value === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(value))),
  decode: (bytes) =>
    bytes.byteLength === 0 ? undefined : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
};

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'function');
}
