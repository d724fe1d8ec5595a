import { flushCompileCache } from 'node:module';
import { type Cluster, formatAddress } from '@quorate/core';

/** What the demo's supervisor asks of a node over IPC. */
export const DISCOVER = 'discover';

/** Where its discovery says that nodes are, as `host:port`, unless it fails. */
export interface DiscoveredReport {
  readonly type: 'discovered';
  readonly addresses: readonly string[];
  readonly problem: string | undefined;
}

/** Has a node ask its discovery whenever the supervisor says so, and tell what that finds. */
export function answerSupervisor({ discovery }: Pick<Cluster, 'discovery'>): void {
  // It may be killed any time, and the next one is to start faster.
  flushCompileCache();
  process.on('message', (message) => {
    if (message === DISCOVER) void discover(discovery);
  });
}

async function discover(discovery: Cluster['discovery']): Promise<void> {
  const report = await discovery.discoverNodes().then(
    (nodes): DiscoveredReport => ({ type: 'discovered', addresses: nodes.map(formatAddress), problem: undefined }),
    (error: unknown): DiscoveredReport => ({ type: 'discovered', addresses: [], problem: String(error) }),
  );
  if (process.connected) process.send?.(report, undefined, {}, () => undefined);
}
