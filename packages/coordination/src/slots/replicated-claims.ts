import type { Replicator } from '@quorate/core';
import type { CoordinationCommand, CoordinationResult } from '../replicated/coordination-codec.ts';
import { CommandedClaims } from './commanded-claims.ts';
import type { SlotClaims } from './slot-claims.ts';

/** What takes commands for a `coordinationMachine`: a replicator of one, or what hands them to one inside another. */
export type CoordinationReplicator = Pick<
  Replicator<CoordinationCommand, CoordinationResult, never, unknown>,
  'replicate'
>;

/** How long a claim waits for its answer, before it is asked again. */
const CLAIM_MS = 5000;

/**
 * Claims that a replicated state machine keeps: durable and the same for all nodes, as its replicator is. No sessions are
 * needed: a claim that is repeated is the same claim.
 */
export function slotClaims(replicator: CoordinationReplicator): SlotClaims {
  return new CommandedClaims((command, options) => replicator.replicate(command, { ...options, timeoutMs: CLAIM_MS }));
}
