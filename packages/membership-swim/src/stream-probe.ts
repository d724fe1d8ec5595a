import {
  type Address,
  type CallOptions,
  type Clock,
  isClusterError,
  linkSignals,
  type Net,
  sleep,
  type SocketHandler,
} from '@quorate/core';

import type { StreamOutcome } from './protocol/types.ts';

/** What a probe is made with. */
export interface StreamProbeParts {
  readonly clock: Clock;
  /** Undefined: the transport is not on the network, only an answer over it tells something. */
  readonly net: Net | undefined;
  /** Asks the member over the transport, connecting if need be. Rejects when no answer comes. */
  ask(options: CallOptions): Promise<unknown>;
}

const silentHandler: SocketHandler = { data: () => undefined, drain: () => undefined, close: () => undefined };

/**
 * Probes a member through its transport. The kernel of a machine accepts a connection for a program that stands still, and
 * refuses it when the program is gone: that tells `accepted` from `refused`, and both from a machine that doesn't answer.
 */
export async function probeStream(
  parts: StreamProbeParts,
  address: Address,
  timeoutMs: number,
  { signal }: CallOptions,
): Promise<StreamOutcome> {
  const over = new AbortController();
  using either = linkSignals(signal, over.signal);
  const inner = { signal: either.signal };
  let isAccepted = false;
  const knocking = knock(parts.net, address, inner).then((result) => {
    isAccepted = result === 'accepted';
    // Else it has nothing to say before the time is up.
    return result === 'refused' ? result : never<StreamOutcome>();
  });
  const asking = parts.ask(inner).then(
    () => 'acknowledged' as const,
    () => never<StreamOutcome>(),
  );
  const timeUp = sleep(parts.clock, timeoutMs, inner).then(
    () => undefined,
    () => undefined,
  );
  try {
    const first = await Promise.race([knocking, asking, timeUp]);
    return first ?? (isAccepted ? 'accepted' : 'unanswered');
  } finally {
    over.abort();
  }
}

/** Opens a connection and closes it, without a word. */
async function knock(
  net: Net | undefined,
  address: Address,
  options: CallOptions,
): Promise<'accepted' | 'refused' | 'none'> {
  if (net === undefined) return 'none';
  try {
    const socket = await net.connect(address, silentHandler, options);
    socket.destroy();
    return 'accepted';
  } catch (error) {
    return isRefused(error) ? 'refused' : 'none';
  }
}

function isRefused(error: unknown): boolean {
  return (
    isClusterError(error, 'DISCONNECTED') && (error.cause as { code?: unknown } | undefined)?.code === 'ECONNREFUSED'
  );
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
