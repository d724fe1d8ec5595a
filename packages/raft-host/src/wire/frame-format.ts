/*
 * A frame: version (1 byte), CRC-32 of what follows up to the batches (4), bytes of the heads (4), the heads of all
 * messages, the batches of all entries. Laid out in docs/wire-protocol.md.
 */
export const FRAME_VERSION = 1;
export const CHECKSUM_AT = 1;
export const LENGTH_AT = 5;
export const HEADS_AT = 9;

/** Bits of a message's flags. */
export const flag = { REJECT: 1, CONTEXT: 2, ENTRIES: 4 } as const;
export const ALL_FLAGS = 7;

/** The most bytes of a message's context. */
export const MAX_CONTEXT_BYTES = 64;
