import type { SplitBrainStrategy } from './strategy.ts';

/** Nobody who sees a partition goes on: whatever starts nodes again starts them as one cluster, or as none. */
export function downAll(): SplitBrainStrategy {
  return { name: 'downAll', decide: () => ({ type: 'down', reason: 'down_all' }) };
}
