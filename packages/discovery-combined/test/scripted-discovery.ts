import {
  BaseClusterDiscovery,
  type ClusterContext,
  ClusterError,
  type ClusterNode,
  type DiscoveredNode,
  type DiscoverySupport,
  type LookupAnswer,
  type LookupOptions,
  type NodeId,
  sleep,
} from '@quorate/core';

import type { DiscoveryPlugin } from '../src/index.ts';

/** What a source of a test does when it is asked, and what was done to it. */
export class Script {
  entries: readonly unknown[] = [];
  state: 'up' | 'broken' | 'stalled' = 'up';
  complete = true;
  delayMs = 0;
  /** How often it was asked. */
  asked = 0;
  readonly registered = new Map<NodeId, ClusterNode>();
  /** Names of those disposed of, in order: shared by the scripts of a test. */
  readonly disposals: string[];
  readonly name: string;
  readonly registration: boolean;
  disposal: 'quick' | 'hangs' | 'fails' = 'quick';

  constructor(name: string, details: Partial<Pick<Script, 'entries' | 'state' | 'registration' | 'disposals'>> = {}) {
    this.name = name;
    this.registration = details.registration ?? false;
    this.disposals = details.disposals ?? [];
    this.entries = details.entries ?? [];
    this.state = details.state ?? 'up';
  }

  /** A discovery that asks it every second. */
  plugin(): DiscoveryPlugin {
    const create = (context: ClusterContext) => new ScriptedDiscovery(context, this);
    return { name: this.name, kind: 'discovery', requires: [], create };
  }

  answer(): Promise<void> {
    if (this.state === 'stalled') return new Promise(() => undefined);
    if (this.state === 'broken') return Promise.reject(new ClusterError('IO', `${this.name} is broken on purpose`));
    return Promise.resolve();
  }
}

class ScriptedDiscovery extends BaseClusterDiscovery {
  override readonly supports: DiscoverySupport;
  readonly #context: ClusterContext;
  readonly #script: Script;

  constructor(context: ClusterContext, script: Script) {
    super(context, script.name, { intervalMs: 1_000, timeoutMs: 60_000 });
    this.#context = context;
    this.#script = script;
    this.supports = { registration: script.registration, watch: 'poll', createIfAbsent: true };
  }

  protected override async lookup({ signal }: LookupOptions): Promise<LookupAnswer> {
    this.#script.asked += 1;
    await this.#script.answer();
    await sleep(this.#context.clock, this.#script.delayMs, { signal });
    const { entries, complete, registered } = this.#script;
    return { nodes: [...(entries as readonly DiscoveredNode[]), ...registered.values()], complete };
  }

  protected override async register(node: ClusterNode): Promise<void> {
    await this.#script.answer();
    this.#script.registered.set(node.id, node);
  }

  protected override async unregister(nodeId: NodeId): Promise<void> {
    await this.#script.answer();
    this.#script.registered.delete(nodeId);
  }

  protected override release(): Promise<void> {
    this.#script.disposals.push(this.#script.name);
    if (this.#script.disposal === 'hangs') return new Promise(() => undefined);
    if (this.#script.disposal === 'fails') return Promise.reject(new Error(`${this.#script.name} won't close`));
    return Promise.resolve();
  }
}
