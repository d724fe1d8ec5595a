import type { Measured } from './measured.ts';

/** What the parent says: first `start`, to whoever leads `load`. */
export type ToNode =
  | {
      readonly type: 'start';
      readonly nodeId: string;
      readonly directory: string;
      readonly secret: string;
      readonly seedNodes: readonly string[];
    }
  | { readonly type: 'load'; readonly forMs: number; readonly inFlight: number; readonly bytes: number };

export type FromNode =
  | { readonly type: 'started'; readonly address: string }
  | { readonly type: 'role'; readonly isLeader: boolean }
  | { readonly type: 'loaded'; readonly forMs: number; readonly latency: Measured }
  | { readonly type: 'failed'; readonly message: string };

/** The nodes' names; each of them votes. */
export const BENCH_NODES = ['a', 'b', 'c'] as const;
