import { type Cluster, ClusterError, invalidOption, telemetryOf, withDeadline } from '@quorate/core';
import { isHandlerName } from './envelope.ts';
import {
  type ForwardCallOptions,
  type ForwardOptions,
  readCallOptions,
  readForwardOptions,
} from './forward-options.ts';
import { transportForwarder } from './forwarder.ts';
import { ForwardingInstruments } from './forwarding-instruments.ts';
import { LeaderCaller } from './leader-caller.ts';
import { type AnyForwardHandler, type ForwardedRequest, LeaderService } from './leader-service.ts';
import { termMemory } from './request-memory.ts';

/** What a cluster needs to have for requests to be forwarded in it. */
export type ForwardingCluster = Pick<Cluster, 'self' | 'election' | 'system' | 'nodes' | 'transport'>;

/** Does on the leader what is asked anywhere. */
export type ForwardHandler<I, O> = (input: I, request: ForwardedRequest) => O | Promise<O>;

/** The leader's work, by the names under which it is asked for. */
export type ForwardHandlers = Readonly<Record<string, ForwardHandler<never, unknown>>>;

/** What is done by the leader, to be asked for on every node. */
export interface LeaderCalls<H extends ForwardHandlers> extends AsyncDisposable {
  /**
   * Has the leader do it, wherever that is and whoever it comes to be meanwhile.
   *
   * While nothing was done it is tried again, until `timeoutMs` is over. Once an attempt was sent whose answer is missing,
   * it is repeated under its id: a leader that remembers it answers what it has answered, and one that can't know refuses.
   * @throws ClusterError what the handler threw, with its code, or as `REMOTE`; `NOT_LEADER` when no leader was found in
   * time; `SESSION_EXPIRED`, `TIMEOUT`, `ABORTED`, `CLOSED`, `OVERLOADED`. `outcome` says whether it may have been done
   */
  call<K extends keyof H & string>(
    name: K,
    input: Parameters<H[K]>[0],
    options?: ForwardCallOptions,
  ): Promise<Awaited<ReturnType<H[K]>>>;
}

/** The same of a single function. */
export interface LeaderFunction<I, O> extends AsyncDisposable {
  (input: I, options?: ForwardCallOptions): Promise<O>;
}

/**
 * Has things done by the leader. Made on every node, with the same handlers and options; on the leader they run. To be
 * disposed of before the cluster is stopped: then it takes no more, and waits for what is under way.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function forwardToLeader<I, O>(
  cluster: ForwardingCluster,
  handler: ForwardHandler<I, O>,
  options?: ForwardOptions,
): LeaderFunction<I, O>;
export function forwardToLeader<H extends ForwardHandlers>(
  cluster: ForwardingCluster,
  handlers: H,
  options?: ForwardOptions,
): LeaderCalls<H>;
export function forwardToLeader(
  cluster: ForwardingCluster,
  handlers: ForwardHandlers | ForwardHandler<never, unknown>,
  options: ForwardOptions = {},
): LeaderCalls<ForwardHandlers> | LeaderFunction<never, unknown> {
  if (typeof handlers !== 'function') return open(cluster, handlers, options);
  const calls = open(cluster, { call: handlers }, options);
  const ask = (input: never, call?: ForwardCallOptions): Promise<unknown> => calls.call('call', input, call);
  return Object.assign(ask, { [Symbol.asyncDispose]: () => calls[Symbol.asyncDispose]() });
}

function open(
  cluster: ForwardingCluster,
  handlers: ForwardHandlers,
  options: ForwardOptions,
): LeaderCalls<ForwardHandlers> {
  // Who calls is held to the types of the handlers; what arrives is for the handlers to judge.
  const known = new Map<string, AnyForwardHandler>(Object.entries(handlers as object));
  for (const [name, handler] of known) {
    if (typeof handler !== 'function')
      throw invalidOption('forwardToLeader', `handlers.${name}`, 'a function', handler);
    if (isHandlerName(name)) continue;
    throw invalidOption('forwardToLeader', 'handlers', 'named by 1 to 64 letters, digits, ".", "_" and "-"', name);
  }
  const settings = readForwardOptions(options);
  const { forwarder = transportForwarder(cluster), memory = termMemory() } = settings;
  const instruments: ForwardingInstruments = new ForwardingInstruments(
    telemetryOf(cluster.system),
    known.keys(),
    () => ({
      pending: caller.pending,
      running: service.running,
    }),
  );
  const service = new LeaderService(cluster, known, memory, { ...settings, instruments });
  const caller: LeaderCaller = new LeaderCaller(cluster.self.id, cluster, forwarder, service, {
    ...settings,
    instruments,
  });
  const serving = forwarder.serve((request, call) => service.receive(request, call));
  return {
    call: async (name, input, call = {}) => {
      if (!known.has(name)) throw new ClusterError('NOT_FOUND', `there is no handler ${name}`);
      return await caller.call(name, input, readCallOptions(call));
    },
    [Symbol.asyncDispose]: async () => {
      const drain = (): Promise<unknown> => Promise.all([caller.drain(), service.drain()]);
      const { clock } = cluster.system;
      // What isn't done by then is given up.
      await withDeadline(clock, settings.drainTimeoutMs, 'forwarding: drain', drain).catch(() => undefined);
      serving[Symbol.dispose]();
      caller.close();
      service[Symbol.dispose]();
      instruments[Symbol.dispose]();
    },
  };
}
