import type { RaftState, StepResult } from './raft-state.ts';
import type { Message, MessageType } from './types.ts';

/** What a role does with a message of its own term. Nothing returned means 'ok'. */
export type Handler = (raft: RaftState, m: Message) => StepResult | void;

/** A role: what it does with which messages. It ignores all others. */
export type RoleHandlers = { readonly [T in MessageType]?: Handler };
