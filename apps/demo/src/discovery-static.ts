import { staticDiscovery } from '@quorate/discovery-static';
import type { DiscoveryChoice } from './discoveries.ts';

/** `--discovery static`: nodes are told of each other. */
export const staticNodes: DiscoveryChoice = {
  make: ({ peers }) => staticDiscovery({ nodes: peers }),
};
