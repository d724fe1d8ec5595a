const SHARDS = 256;
const HASHED_LENGTH = 16;

/** A map in many: each grows by itself, so that no insertion has to wait for a million others to be moved. */
export class ShardedMap<V> {
  readonly #shards: (Map<string, V> | undefined)[] = [];

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  set(key: string, value: V): void {
    const shard = shardOf(key);
    (this.#shards[shard] ??= new Map()).set(key, value);
  }

  delete(key: string): void {
    this.#shards[shardOf(key)]?.delete(key);
  }
}

function shardOf(key: string): number {
  let hash = 0;
  for (let at = Math.max(0, key.length - HASHED_LENGTH); at < key.length; at += 1) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  }
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (SHARDS - 1);
}
