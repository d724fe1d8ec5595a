import { type Cluster, plainText, type ReplicationStatus } from '@quorate/core';
import type { BrokerReplicator } from '../http/broker.ts';
import type { NodeEvent } from '../http/node-event.ts';

/** Strangers can cause many: so many are told of in a second. */
const MAX_REFUSED = 10;
const SECOND_MS = 1_000;
const MAX_TEXT_LENGTH = 500;

/** What happens on a node, for whoever listens. */
export class NodeEvents {
  readonly #listeners = new Set<(event: NodeEvent) => void>();

  #refused = 0;
  #refusedSince = Number.NEGATIVE_INFINITY;

  readonly on = (listener: (event: NodeEvent) => void): Disposable => {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  };

  tell(type: NodeEvent['type'], text: string): void {
    // Some of it comes from others: it may be shown in a terminal.
    const event = { at: new Date().toISOString(), type, text: plainText(text, MAX_TEXT_LENGTH) };
    for (const listener of this.#listeners) listener(event);
  }

  /** Tells of what the cluster tells. To be called before it is started. */
  follow(cluster: Cluster<BrokerReplicator>): void {
    for (const name of ['nodeJoined', 'nodeUpdated', 'nodeSuspected', 'nodeFailed', 'nodeLeft'] as const) {
      cluster.on(name, ({ member: { node, state } }) => this.tell('member', `${node.id} is ${state}`));
    }
    cluster.on('leadershipAcquired', ({ leadership }) => {
      this.tell('elected', `this node is elected, with token ${leadership.token}`);
    });
    cluster.on('leadershipLost', ({ leadership, reason }) => {
      this.tell('ended', `no longer elected with token ${leadership.token}: ${textOf(reason)}`);
    });
    cluster.on('leaderChanged', ({ leader }) => {
      const text =
        leader === undefined
          ? 'nobody is known to be elected'
          : `${leader.nodeId} is elected, with token ${leader.token}`;
      this.tell('leader', text);
    });
    cluster.on('connectionRefused', ({ error }) => {
      if (this.#mayTellOfRefused()) this.tell('refused', error.message);
    });
    cluster.on('error', ({ error, during }) => this.tell('error', `${during}: ${error.message}`));
  }

  #mayTellOfRefused(): boolean {
    const now = performance.now();
    if (now - this.#refusedSince >= SECOND_MS) {
      this.#refusedSince = now;
      this.#refused = 0;
    }
    this.#refused += 1;
    return this.#refused <= MAX_REFUSED;
  }

  /** Tells who leads the log, from term to term, until the replicator is closed. */
  async followLog(replicator: BrokerReplicator): Promise<void> {
    let told = '';
    for await (const status of replicator.watch()) {
      const text = describe(status);
      if (text === told) continue;
      told = text;
      this.tell('replication', text);
    }
  }
}

function describe({ leader, term }: ReplicationStatus): string {
  return leader === undefined
    ? `nobody is known to lead the log in term ${term}`
    : `${leader} leads the log in term ${term}`;
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
