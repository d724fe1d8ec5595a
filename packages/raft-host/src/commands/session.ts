import { ClusterError } from '@quorate/core';

/**
 * What became of a command within a session, for its retries: undefined until its turn in the machine is over, then the
 * encoded result, or why there is none.
 */
export type Remembered = Uint8Array | 'skipped' | 'too-large';

/** A command that a session has let through to the machine, once. */
export interface Admitted {
  readonly session: Session;
  readonly sequence: number;
  remembered: Remembered | undefined;
}

/** What one client's session remembers. */
export interface Session {
  readonly id: number;
  readonly ttlMs: number;
  /** By the time in the log. */
  lastSeen: number;
  /** The client has the results of all sequences below. */
  settled: number;
  /** By sequence, none below `settled`; in the order of the log. */
  readonly admitted: Map<number, Admitted>;
  /** False once it was closed or has expired. */
  isOpen: boolean;
}

/** A result that takes more is not remembered: a retry gets an error. */
export const MAX_REMEMBERED_BYTES: number = 64 * 1024;
/** What remembering takes beside the result itself, about. */
export const REMEMBERED_OVERHEAD_BYTES = 128;

/** What it counts for among all that is remembered. */
export function rememberedBytes(remembered: Remembered | undefined): number {
  if (remembered === undefined) return 0;
  return REMEMBERED_OVERHEAD_BYTES + (typeof remembered === 'string' ? 0 : remembered.length);
}

/** Of a command of a session that isn't there. An earlier attempt of it may have been applied while it was. */
export function sessionGone(id: number): ClusterError {
  return new ClusterError('SESSION_EXPIRED', `there is no session ${id}: it was closed, has expired or never was`, {
    outcome: 'unknown',
  });
}

/** Of a command whose result was forgotten at its client's own wish. */
export function alreadySettled({ id, settled }: Session, sequence: number): ClusterError {
  const message = `session ${id}: the result of command ${sequence} is forgotten, its client has settled all below ${settled}`;
  return new ClusterError('NOT_FOUND', message, { outcome: 'unknown' });
}

export function overloaded(message: string): ClusterError {
  return new ClusterError('OVERLOADED', message, { outcome: 'not-applied' });
}
