/** What the secured transports of both processes share. */
export const SECRET = 'a secret of the benchmark';

export const kinds = { ECHO: 1024, SINK: 1025, COUNT: 1026 } as const;
