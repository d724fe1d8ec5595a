/** Offsets that a pointer can hold. (RFC 1035, section 4.1.4) */
const POINTABLE = 0x40_00;
const POINTER = 0xc0;
/** A pointer to a pointer saves nothing: nobody writes them, but by chance data may look like a few. */
const MAX_RUN = 8;

/**
 * Whether somewhere in a message a pointer leads to a pointer that leads to a pointer, and so on. Following such a run
 * for the name of each of thousands of records would hold up the program for seconds, so this is asked before a message
 * is decoded. It looks at every offset, since any may be taken for the beginning of a name.
 */
export function hasLongPointerRun(bytes: Uint8Array): boolean {
  const runs = new Uint8Array(Math.min(bytes.length, POINTABLE));
  for (let at = 0; at + 1 < runs.length; at += 1) {
    const first = bytes[at] ?? 0;
    if (first < POINTER) continue;
    const target = ((first & ~POINTER) << 8) | (bytes[at + 1] ?? 0);
    const run = 1 + (target < at ? (runs[target] ?? 0) : 0);
    if (run > MAX_RUN) return true;
    runs[at] = run;
  }
  return false;
}
