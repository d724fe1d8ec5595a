import { consulElection } from '@quorate/election-consul';
import { consulEngine } from '@quorate/engine-consul';
import { startConsul } from './consul-server.ts';
import type { ElectionChoice } from './elections.ts';
import type { Profile } from './parts.ts';

/** Less than 10 s only suits agents whose `session_ttl_min` says so, as that which the demo starts. */
const TTL_MS: Readonly<Record<Profile, number>> = { fast: 1_000, lan: 2_000, wan: 10_000 };
/** A session lives for up to twice its time, and then nobody gets the key for once. */
const LIVES = 3;

/** `--election consul`: whoever holds a key by its session. */
export const consulKey: ElectionChoice = {
  make: ({ elector, profile }) => {
    const engine = consulEngine(elector === undefined ? {} : { address: elector });
    const ttlMs = TTL_MS[profile];
    return consulElection({ engine, ttlMs, sessionTtlMs: ttlMs });
  },
  longestMs: (profile) => LIVES * TTL_MS[profile],
  asked: { start: startConsul, sharedWith: (registry) => registry },
};
