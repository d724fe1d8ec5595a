import type { FencedStore } from './fenced-store.ts';
import { httpStore } from './http.ts';
import { redisStore } from './redis.ts';
import { connectRedis } from './redis-connection.ts';
import { sqlStore } from './sql.ts';

/** @param place a file for `sql`, a port for `redis`, an address for `http` */
export async function openStore(kind: string, place: string): Promise<FencedStore> {
  if (kind === 'sql') return sqlStore(place);
  if (kind === 'redis') return redisStore(await connectRedis(Number(place)));
  if (kind === 'http') return httpStore(place);
  throw new Error(`there is no store ${kind}`);
}
