import { crc32 } from '@quorate/core';

import { hmacSha256, isEqual } from './node/authentication.ts';

/** What stands at the end of each datagram, and shows that it is whole and from one who may. */
export interface Seal {
  /** Distinguishes the kinds on the wire. */
  readonly kind: number;
  readonly bytes: number;
  seal(content: Uint8Array): Uint8Array;
  isValid(content: Uint8Array, seal: Uint8Array): boolean;
}

/** With secrets: the first signs, all are accepted, so that one can be replaced without a gap. */
export function secretSeal(secrets: readonly [string, ...string[]]): Seal {
  return {
    kind: 1,
    bytes: 32,
    seal: (content) => hmacSha256(secrets[0], content),
    isValid: (content, seal) => secrets.some((secret) => isEqual(hmacSha256(secret, content), seal)),
  };
}

/** Without a secret: finds damage, and stops nobody. */
export const checksumSeal: Seal = {
  kind: 2,
  bytes: 4,
  seal: checksum,
  isValid: (content, seal) => isEqual(checksum(content), seal),
};

function checksum(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc32(content));
  return bytes;
}
