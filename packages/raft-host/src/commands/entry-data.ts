/**
 * The first byte of an entry's data says what the rest is. Data without any byte is Raft's own empty entry: nothing is to
 * be applied.
 */
export const COMMANDS_FORMAT = 1;
export const SKIP_FORMAT = 2;
