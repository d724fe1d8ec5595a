import { type Clock, ClusterError, isClusterError, type WriteOutcome, withDeadline } from '@quorate/core';
import { errorText } from '../error-text.ts';

/** What is needed of `fetch`, to be handed in: that of the platform, or one with an agent, certificates or a proxy. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: Uint8Array<ArrayBuffer>;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<FetchedResponse>;

/** What is needed of a response of `fetch`. */
export interface FetchedResponse {
  readonly status: number;
  readonly headers: {
    get(name: string): string | null;
    forEach(visit: (value: string, name: string) => void): void;
  };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** A request or response whose body is whole. */
export interface Fetched {
  readonly status: number;
  readonly headers: FetchedResponse['headers'];
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface FetchCall {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The largest body that is taken. */
  readonly maxBytes: number;
}

/** Failures before anything was sent. */
const NOT_SENT: readonly unknown[] = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
];

/** One exchange, with a deadline and a bound. @throws ClusterError with `outcome` */
export async function fetchWhole(
  fetch: FetchLike,
  url: string,
  request: { readonly method: string; readonly headers: Record<string, string>; readonly body?: Uint8Array },
  { clock, timeoutMs, signal, maxBytes }: FetchCall,
): Promise<Fetched> {
  const { method, headers, body } = request;
  const call = async (inner: AbortSignal): Promise<Fetched> => {
    const init = { method, headers, redirect: 'manual', signal: inner } as const;
    const response = await fetch(url, body === undefined ? init : { ...init, body: new Uint8Array(body) });
    return { status: response.status, headers: response.headers, body: await gather(response.body ?? [], maxBytes) };
  };
  try {
    return await withDeadline(clock, timeoutMs, url, call, signal === undefined ? {} : { signal });
  } catch (error) {
    throw withOutcome(error, url);
  }
}

/** All of a body. @throws ClusterError `OVERLOADED` when it is larger */
export async function gather(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
    length += bytes.byteLength;
    if (length > maxBytes) throw new ClusterError('OVERLOADED', `a body of more than ${maxBytes} bytes`);
    parts.push(bytes);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function withOutcome(error: unknown, url: string): ClusterError {
  const outcome: WriteOutcome = NOT_SENT.includes(codeOf(error)) ? 'not-applied' : 'unknown';
  const code = isClusterError(error) ? error.code : 'DISCONNECTED';
  return new ClusterError(code, `${url}: ${errorText(error)}`, { cause: error, outcome });
}

/** `fetch` has what went wrong in the cause of what it throws, or in that of several attempts. */
function codeOf(error: unknown): unknown {
  // Anything can be thrown, null too.
  const { cause } = Object(error) as {
    readonly cause?: { readonly code?: unknown; readonly errors?: readonly unknown[] };
  };
  if (cause?.code !== undefined) return cause.code;
  return (cause?.errors?.[0] as { readonly code?: unknown } | undefined)?.code;
}
