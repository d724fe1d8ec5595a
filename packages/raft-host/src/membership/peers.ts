import { type Clock, ClusterError, isClusterError, type MonotonicMs, type NodeId, sleep } from '@quorate/core';
import { encodeControl, type Invitation } from '../formation/formation-messages.ts';
import type { Identity } from '../group-state.ts';
import type { RaftHost } from '../raft-host.ts';
import { requestKind } from '../request-kind.ts';
import { decodeNodeIdentity, encodeRemoval, type NodeIdentity } from './identity-messages.ts';

const CALL_MS = 2000;
/** A node that was just started may need a moment until it is connected. */
const CONNECTING_MS = 5000;
const PAUSE_MS = 100;
/** A node that was removed is told so once in this time. */
const REMINDER_MS = 1000;
const MAX_REMINDED = 1024;

/** What members, and those who are to be members, are asked and told about membership. */
export class Peers {
  readonly #host: RaftHost;
  readonly #group: number;
  /** By their numbers: when those who were removed were told last. */
  #reminded: Map<number, MonotonicMs> | undefined;

  constructor(host: RaftHost, group: number) {
    this.#host = host;
    this.#group = group;
  }

  isConnected(nodeId: NodeId): boolean {
    return this.#host.context.transport.peer(nodeId)?.state === 'connected';
  }

  /**
   * What a node is in the group; one that isn't there is waited for, for a short while.
   * @throws ClusterError `NOT_FOUND` when it can't be reached or doesn't know the group, `PROTOCOL`
   */
  async identify(nodeId: NodeId, deadline: MonotonicMs): Promise<NodeIdentity> {
    const patience = Math.min(deadline, this.#clock.now() + CONNECTING_MS);
    for (;;) {
      try {
        return decodeNodeIdentity(await this.#call(nodeId, requestKind.IDENTIFY, new Uint8Array()));
      } catch (cause) {
        if (isClusterError(cause, 'PROTOCOL')) throw cause;
        if (this.#clock.now() + PAUSE_MS >= patience) throw unreachable(nodeId, cause);
      }
      await sleep(this.#clock, PAUSE_MS);
    }
  }

  /** @throws ClusterError `REFUSED` when it has another log than the one that is meant; `DISCONNECTED`, `TIMEOUT` */
  async invite(nodeId: NodeId, invitation: Invitation): Promise<void> {
    await this.#call(nodeId, requestKind.INVITE, encodeControl(invitation));
  }

  /** Tells a node that the member which it was is none any more. It may not get there. */
  async tellRemoved(nodeId: NodeId, member: Identity): Promise<void> {
    await this.#call(nodeId, requestKind.REMOVED, encodeRemoval(member)).catch(() => undefined);
  }

  /** The same, now and then, to one that goes on as if it were a member. */
  remind(nodeId: NodeId, member: Identity): void {
    const now = this.#clock.now();
    const reminded = (this.#reminded ??= new Map());
    if (now < (reminded.get(member.number) ?? -Infinity) + REMINDER_MS) return;
    if (reminded.size >= MAX_REMINDED) reminded.clear();
    reminded.set(member.number, now);
    void this.tellRemoved(nodeId, member);
  }

  get #clock(): Clock {
    return this.#host.context.clock;
  }

  #call(nodeId: NodeId, kind: number, body: Uint8Array): Promise<Uint8Array> {
    return this.#host.request(nodeId, this.#group, kind, body, { timeoutMs: CALL_MS });
  }
}

function unreachable(nodeId: NodeId, cause: unknown): ClusterError {
  const message = `${nodeId} can't be reached, or does not take part in the group`;
  return new ClusterError('NOT_FOUND', message, { cause, outcome: 'not-applied' });
}
