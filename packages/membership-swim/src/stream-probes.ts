import { type CallOptions, ClusterError, type MembershipContext } from '@quorate/core';

import type { Connector } from './connector.ts';
import type { Exchanger } from './exchange/exchanger.ts';
import type { MemberRecord, StreamOutcome } from './protocol/types.ts';
import { probeStream } from './stream-probe.ts';

/** What probes of members need of the rest. */
export interface StreamProbesParts {
  readonly context: MembershipContext;
  readonly connector: Connector;
  readonly exchanger: Exchanger;
  /** Whether the transport is on the network, so that its port tells something. */
  readonly isOnNetwork: boolean;
  /** Aborts when this node is closed. */
  readonly closed: AbortSignal;
}

/** The most at a time; what is beyond gets no answer. */
const MAX_PROBES = 64;

/** Probes members through their transport. */
export class StreamProbes {
  readonly #parts: StreamProbesParts;
  #running = 0;

  constructor(parts: StreamProbesParts) {
    this.#parts = parts;
  }

  /** Undefined when there are too many under way. */
  async probe(member: MemberRecord, timeoutMs: number): Promise<StreamOutcome | undefined> {
    const { context, isOnNetwork, closed } = this.#parts;
    if (this.#running >= MAX_PROBES || closed.aborted) return undefined;
    const { clock, net } = context;
    const ask = (options: CallOptions) => this.#ask(member, timeoutMs, options);
    this.#running += 1;
    try {
      const parts = { clock, net: isOnNetwork ? net : undefined, ask };
      return await probeStream(parts, member.node, timeoutMs, { signal: closed });
    } finally {
      this.#running -= 1;
    }
  }

  /** Resolves when the member, in the run that is meant, has answered over the transport. */
  async #ask({ id, node, incarnation }: MemberRecord, timeoutMs: number, options: CallOptions): Promise<void> {
    const { connector, exchanger, context } = this.#parts;
    await connector.reach(node, options);
    await exchanger.ping(id, timeoutMs, options);
    if (context.transport.peer(id)?.incarnation === incarnation) return;
    throw new ClusterError('DISCONNECTED', `${id} is in another run`);
  }
}
