/** The most keys that a node names in one run, removed ones included. */
export const MAX_STATE_KEYS = 64;
/** The most bytes of all that a node tells of itself, keys included. */
export const MAX_STATE_BYTES = 4_096;
/** The most keys of the configuration when one is added. */
export const MAX_SETTINGS = 256;
/** The most that are kept where several nodes have added some at once. */
export const MAX_MERGED_SETTINGS = 384;
/** Of a key, or of the name of a broadcast or query, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 64;
/** Of an answer over a connection; without one it has to fit a rumour. */
export const MAX_ANSWER_BYTES: number = 16 * 1_024;
/** What two nodes tell each other at once. */
export const MAX_EXCHANGE_BYTES: number = 256 * 1_024;
/** The broadcasts that are told to those who missed them. */
export const MAX_RECENT_BROADCASTS = 64;
/** For how many ticks of the Lamport clock a broadcast is told apart from one that was heard; older ones are dropped. */
export const SEEN_WINDOW = 512;
/** Larger numbers are refused. */
export const MAX_NUMBER: number = 2 ** 52;
/**
 * What is ahead of a Lamport clock by more than this was never told by anybody who counts: it is ignored, or there would be no
 * next time to tell.
 */
export const MAX_LEAP: number = 2 ** 32;
