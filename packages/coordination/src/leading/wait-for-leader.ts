import {
  type CallOptions,
  checkOptions,
  ClusterError,
  type LeaderInfo,
  type Leadership,
  type OptionRules,
  rule,
  throwIfAborted,
  withDeadline,
} from '@quorate/core';
import type { Led } from './led.ts';

export interface WaitOptions extends CallOptions {
  /** @default for ever */
  readonly timeoutMs?: number;
}

const rules: OptionRules<WaitOptions> = {
  signal: rule.value('an AbortSignal', (value) => value instanceof AbortSignal),
  timeoutMs: rule.duration({ min: 0 }),
};

/**
 * Waits until some node is seen to lead.
 * @throws ClusterError `TIMEOUT`, `ABORTED`, `CLOSED` when the election is disposed of
 */
export async function waitForLeader(led: Led, options: WaitOptions = {}): Promise<LeaderInfo> {
  return await waitFor(led, 'waitForLeader', () => led.election.leader, options);
}

/**
 * Waits until this node holds a valid grant. It doesn't make the node stand for election: that does its cluster, or
 * `campaign`.
 * @throws ClusterError `TIMEOUT`, `ABORTED`, `CLOSED` when the election is disposed of
 */
export async function waitForLeadership(led: Led, options: WaitOptions = {}): Promise<Leadership> {
  const held = (): Leadership | undefined => {
    const { leadership } = led.election;
    return leadership?.isValid() === true ? leadership : undefined;
  };
  return await waitFor(led, 'waitForLeadership', held, options);
}

async function waitFor<T>(led: Led, what: string, find: () => T | undefined, options: WaitOptions): Promise<T> {
  const { signal, timeoutMs } = checkOptions<WaitOptions>(what, rules, options);
  throwIfAborted(signal, what);
  const found = find();
  if (found !== undefined) return found;
  const callOptions = signal === undefined ? {} : { signal };
  if (timeoutMs === undefined) return await observe(led, what, find, callOptions);
  const call = (inner: AbortSignal): Promise<T> => observe(led, what, find, { signal: inner });
  return await withDeadline(led.system.clock, timeoutMs, what, call, callOptions);
}

async function observe<T>(led: Led, what: string, find: () => T | undefined, options: CallOptions): Promise<T> {
  for await (const _ of led.election.watch(options)) {
    const found = find();
    if (found !== undefined) return found;
  }
  throwIfAborted(options.signal, what);
  throw new ClusterError('CLOSED', `${what}: the election was disposed of`);
}
