import type { CallOptions } from './call-options.ts';
import type { Charter } from './charter.ts';

/**
 * Finds the cluster that this node belongs to, or forms it with others: once for a set of nodes that are started together
 * for the first time, and never twice as long as what the implementation states about its source holds.
 */
export interface Formation extends AsyncDisposable {
  /** From here on it answers others; the transport starts afterwards. */
  start(options?: CallOptions): Promise<void>;
  /**
   * Resolves with the charter (in the normal form of `isCharter`) that this node has kept, that another node or the source knows, or that was formed now. Others
   * are answered until it is disposed.
   * @throws ClusterError `ABORTED`, `CLOSED`; `IO`, `CORRUPT` of the storage. What is missing meanwhile, `missing` tells.
   */
  form(options?: CallOptions): Promise<Charter>;
  /** What `form` waits for, in words for an operator; empty when it waits for nothing. */
  readonly missing: string;
}
