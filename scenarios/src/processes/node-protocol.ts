import type { WriteOutcome } from '@quorate/core';
import type { MachineAnswer, MachineCommand, MachineQuery, MachineResult } from './register-machine.ts';

/** What a client asks of a process: one line of JSON each. Answers may come in another order. */
export type NodeRequest = { readonly id: number } & NodeCall;

export type NodeCall =
  | { readonly type: 'write'; readonly command: MachineCommand }
  /** Through the one session of this connection, which the first of these opens. */
  | { readonly type: 'session-write'; readonly command: MachineCommand }
  | { readonly type: 'read'; readonly query: MachineQuery; readonly consistency: 'linearizable' | 'lease' };

/** A line of JSON. `code` says why it isn't done. */
export type NodeReply = { readonly id: number } & NodeOutcome;

export type NodeOutcome =
  | { readonly outcome: 'ok'; readonly result: MachineResult | MachineAnswer }
  | { readonly outcome: WriteOutcome; readonly code: string };

/** What the process is told at its start. */
export interface NodeSettings {
  readonly id: string;
  readonly directory: string;
  /** By id, where each process listens for the others. */
  readonly ports: Readonly<Record<string, number>>;
  /** By port on which another listens, the port to dial instead. */
  readonly routes: readonly (readonly [number, number])[];
}

/** What the process tells over its channel. */
export type NodeReport =
  /** It runs, and listens for clients here. */
  | { readonly type: 'ready'; readonly clientPort: number }
  | { readonly type: 'role'; readonly leads: boolean; readonly term: number };
