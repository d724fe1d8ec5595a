import { checkOptions, messageKind, type MessageKind, type OptionRules, rule, type Transport } from '@quorate/core';
import type { ForwardTarget } from './envelope.ts';

/** Carries requests to other nodes, as bytes that it need not understand. */
export interface Forwarder {
  /**
   * Asks once.
   * @throws ClusterError with `outcome: 'not-applied'` where the request certainly has not arrived
   */
  send(
    to: ForwardTarget,
    request: Uint8Array,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array>;
  /** Hands what arrives to the handler, which never rejects. Disposing the result ends that. */
  serve(handle: ForwardReceiver): Disposable;
}

/** Answers what another node has forwarded to this one. */
export type ForwardReceiver = (
  request: Uint8Array,
  options: { readonly signal: AbortSignal | undefined },
) => Promise<Uint8Array>;

/** What `transportForwarder` is told. */
export interface TransportForwarderOptions {
  /**
   * The kind of the messages: one for each `forwardToLeader` of a node, the same on all nodes.
   * @default 1100
   */
  readonly kind?: MessageKind;
}

const rules: OptionRules<TransportForwarderOptions> = { kind: rule.integer({ min: messageKind.USER, max: 65_535 }) };

/**
 * Over the connections that the cluster has anyway.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function transportForwarder(
  cluster: { readonly transport: Transport },
  options: TransportForwarderOptions = {},
): Forwarder {
  const { kind = 1100 } = checkOptions('transportForwarder', rules, options);
  const { transport } = cluster;
  return {
    send: ({ nodeId }, request, call) => transport.request(nodeId, kind, request, call),
    serve: (handle) => transport.onRequest(kind, (_from, request, call) => handle(request, call)),
  };
}
