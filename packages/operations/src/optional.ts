import { isClusterError } from '@quorate/core';

/** A part of a cluster that may not have been chosen, or is not there yet, or what it can't tell yet. */
export function optional<T>(part: () => T): T | undefined {
  try {
    return part();
  } catch (error) {
    if (isClusterError(error)) return undefined;
    throw error;
  }
}
