import { type ClusterError, toClusterError } from '../cluster-error.ts';

/** What the file system said, as the contract of `Disk` has it. */
export function diskError(error: unknown, what: string): ClusterError {
  return toClusterError(error, isMissing(error) ? 'NOT_FOUND' : 'IO', what);
}

/** Runs a call of the file system. `what` was tried, for the message. */
export async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw diskError(error, what);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
