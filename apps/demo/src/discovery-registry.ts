/** A server that a discovery asks, started for the demo. */
export interface DiscoveryRegistry extends AsyncDisposable {
  /** As `--registry` takes it. */
  readonly place: string;
  /** Tells it of the nodes, where they don't do that themselves. */
  readonly publish?: (nodes: readonly NamedNode[]) => Promise<void>;
}

export interface NamedNode {
  readonly id: string;
  /** `host:port` */
  readonly address: string;
}
