/** What every call that waits accepts. */
export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason wrapped in a `ClusterError` of code `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}
