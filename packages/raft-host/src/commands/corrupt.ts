import { ClusterError, type UnsoundBytes } from '@quorate/core';

/** For a reader of what a log or a snapshot holds: what is wrong there is damage, no peer's fault. */
export function corrupt(what: string): UnsoundBytes {
  return (flaw, cause) => new ClusterError('CORRUPT', `${what}: ${flaw}`, { cause });
}
