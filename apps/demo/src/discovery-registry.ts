import type { NodeId } from '@quorate/core';
import type { StartedServer } from './started-server.ts';

/** A place that a discovery asks, such as a server that was started for the demo. */
export interface DiscoveryRegistry extends StartedServer {
  /** Writes down who runs now, and nobody else: where nodes can't register themselves. */
  readonly publish?: (running: readonly NamedNode[]) => Promise<void>;
}

export interface NamedNode {
  readonly id: NodeId;
  /** `host:port`. */
  readonly address: string;
}
