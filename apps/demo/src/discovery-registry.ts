/** A server that a discovery asks, started for the demo. */
export interface DiscoveryRegistry extends AsyncDisposable {
  /** As `--registry` takes it. */
  readonly place: string;
}
