import { isClusterError } from '@quorate/core';

/** A part of a cluster that may not have been chosen, or is not there yet. */
export function optional<T>(part: () => T): T | undefined {
  try {
    return part();
  } catch (error) {
    if (isClusterError(error, 'UNSUPPORTED') || isClusterError(error, 'CLOSED')) return undefined;
    throw error;
  }
}
