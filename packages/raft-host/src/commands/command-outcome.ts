import { ClusterError, type Codec, toClusterError } from '@quorate/core';
import type { Admitted } from './session.ts';

/** What became of one command of an entry that is applied. The same on every replica. */
export type CommandOutcome<R> =
  | { readonly ok: true; readonly kind: 'result'; readonly result: R }
  /** A session was opened. */
  | { readonly ok: true; readonly kind: 'opened'; readonly sessionId: number }
  /** A session was kept or closed, or a command is skipped from now on. */
  | { readonly ok: true; readonly kind: 'done' }
  /** The command had no effect, at least not now: see the error's `outcome`. */
  | { readonly ok: false; readonly error: ClusterError };

export const DONE: CommandOutcome<never> = { ok: true, kind: 'done' };

/** Of a command at which the state machine fails, and which an operator had skipped. */
export function skipped(): CommandOutcome<never> {
  const message = 'the state machine failed at this command, and it was skipped';
  return { ok: false, error: new ClusterError('REMOTE', message, { outcome: 'not-applied' }) };
}

/** Of a command whose fate its session remembers. */
export function recalled<R>({ session, sequence, remembered }: Admitted, codec: Codec<R>): CommandOutcome<R> {
  if (remembered === 'skipped') return skipped();
  if (remembered instanceof Uint8Array) return decoded(remembered, codec);
  const message = `session ${session.id}: command ${sequence} was applied, but its result was too large to be remembered`;
  return { ok: false, error: new ClusterError('NOT_FOUND', message) };
}

function decoded<R>(bytes: Uint8Array, codec: Codec<R>): CommandOutcome<R> {
  try {
    return { ok: true, kind: 'result', result: codec.decode(bytes) };
  } catch (error) {
    return { ok: false, error: toClusterError(error, 'CORRUPT', 'a remembered result') };
  }
}
