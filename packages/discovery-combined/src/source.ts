import {
  type CallOptions,
  type Clock,
  type ClusterError,
  type DiscoveredNode,
  type DiscoverySnapshot,
  type IClusterDiscovery,
  toClusterError,
  withDeadline,
} from '@quorate/core';

/** What a source said when it was asked, or why it didn't. */
export type Outcome = { readonly nodes: readonly DiscoveredNode[] } | { readonly error: ClusterError };

/** One of the discoveries that were combined, and the last good set it told. */
export class Source {
  readonly name: string;
  readonly discovery: IClusterDiscovery;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #told: Pick<DiscoverySnapshot, 'nodes' | 'complete'> | undefined;

  constructor(name: string, discovery: IClusterDiscovery, clock: Clock, timeoutMs: number) {
    this.name = name;
    this.discovery = discovery;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The last set that was not empty, or an empty one where there was no other; undefined before any answer. */
  get told(): Pick<DiscoverySnapshot, 'nodes' | 'complete'> | undefined {
    return this.#told;
  }

  /** A good answer. One that names nobody takes nobody back: the source is likelier to be broken than to be right. */
  hear({ nodes, complete }: Pick<DiscoverySnapshot, 'nodes' | 'complete'>): void {
    if (nodes.length === 0 && this.#told !== undefined && this.#told.nodes.length > 0) return;
    this.#told = { nodes, complete };
  }

  /** Never rejects, and settles within the time that a source has. */
  async ask(signal: AbortSignal): Promise<Outcome> {
    try {
      const nodes = await this.within('lookup', (options) => this.discovery.discoverNodes(options), signal);
      const { lastGood } = this.discovery;
      // Only the discovery itself knows whether that was all; one that doesn't tell may have told a part.
      this.hear({ nodes, complete: lastGood?.nodes === nodes && lastGood.complete });
      return { nodes };
    } catch (error) {
      return { error: toClusterError(error, 'IO', `${this.name}: lookup`) };
    }
  }

  /** Calls the discovery with the time that a source has. */
  within<T>(what: string, call: (options: CallOptions) => Promise<T>, signal: AbortSignal): Promise<T> {
    const ask = (inner: AbortSignal) => call({ signal: inner });
    return withDeadline(this.#clock, this.#timeoutMs, `${this.name}: ${what}`, ask, { signal });
  }
}
