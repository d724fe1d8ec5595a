import type { Load } from './closed-loop.ts';
import type { Scratch } from './scratch.ts';
import type { Competitor } from './turns.ts';

/** For how long each number in flight is measured, after how long a warm-up. */
export interface LoadPlan {
  readonly concurrencies: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How many go before those that are measured, of who compiles its code after so many calls and not after so long a time. */
  readonly warmUpCommits: number;
}

/** What commits 256-byte commands on three processes of this machine, durable on a majority of them. */
export interface RaftSystem extends Competitor {
  readonly name: 'quorate' | 'bare' | 'etcd';
  /** Starts it afresh and measures it at each number in flight. What it started ends with the scratch. */
  measure(scratch: Scratch, plan: LoadPlan): Promise<ReadonlyMap<number, Load>>;
}

export const COMMAND_BYTES = 256;
