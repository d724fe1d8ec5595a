const MAX_LENGTH = 512;

/**
 * What a peer said in words, as it may stand in a line of a log: bounded, and without the line breaks and control characters
 * with which it could write lines of its own, or to a terminal. Undefined: it said none.
 */
export function peerText(said: unknown): string | undefined {
  return typeof said === 'string'
    ? said.slice(0, MAX_LENGTH).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
    : undefined;
}
