import { ClusterError } from '@quorate/core';
import type { FencedStore } from './fenced-store.ts';

/** What is asked of a Redis client: any has it, under this name or `call`. */
export interface Redis {
  command(...words: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Redis runs a script alone. Its numbers are floating-point, in which tokens above 2^53 are no more told apart: digits are
 * compared instead, all of one length.
 */
const WRITE = `
  local seen = redis.call('HGET', KEYS[1], 'token')
  if seen and seen > ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'value', ARGV[1], 'token', ARGV[2])
  return 1`;

/** A 64-bit number has 20 digits at most. */
const DIGITS = 20;

export function redisStore(redis: Redis): FencedStore {
  return {
    write: async (key, value, token) => {
      const written = await redis.command('EVAL', WRITE, '1', key, value, String(token).padStart(DIGITS, '0'));
      if (written !== 1) throw new ClusterError('STALE_TOKEN', `${key}: a later holder has written already`);
    },
    read: async (key) => ((await redis.command('HGET', key, 'value')) as string | null) ?? undefined,
    close: () => redis.close(),
  };
}
