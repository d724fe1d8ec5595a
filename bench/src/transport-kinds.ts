export const kinds = { ECHO: 1024, SINK: 1025, COUNT: 1026 } as const;
