/** Chance, handed in: seeded in the simulator, unpredictable in production. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, bound). `bound` is 1 to 2^48. */
  int(bound: number): number;
  /** Fills and returns a new array of `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** A random identifier of 128 bits in hexadecimal. */
export function randomId(random: Random): string {
  return Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
