/**
 * Cryptography, handed in. All of it is deterministic: randomness comes from `Random`, so that a simulated cluster that
 * encrypts replays too. Synchronous, because a datagram must be judged in the turn in which it came.
 */
export interface Crypto {
  /** HKDF with SHA-256 (RFC 5869). `length` is 1 to 8,160 bytes. */
  deriveKey(secret: Uint8Array, salt: Uint8Array, info: string, length: number): Uint8Array;
  /** HMAC with SHA-256: 32 bytes. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /**
   * Encrypts and authenticates with AES-256-GCM: the ciphertext with the tag of 16 bytes behind it.
   * @param key 32 bytes
   * @param nonce 12 bytes, never twice with one key
   * @param associated authenticated too, not encrypted
   */
  seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array;
  /** What `seal` was given; undefined when anything of it was altered, or another key, nonce or `associated` was used. */
  open(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** Compares in a time that doesn't tell where they differ. */
  isEqual(a: Uint8Array, b: Uint8Array): boolean;
}
