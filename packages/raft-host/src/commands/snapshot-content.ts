import type { GroupLog, SnapshotInfo } from '@quorate/core';

const CHUNK_BYTES: number = 256 * 1024;

/**
 * The content of a snapshot that the log store keeps.
 * @throws ClusterError `NOT_FOUND` when another has replaced it, `CORRUPT`, `IO`
 */
export async function* snapshotContent(
  log: Pick<GroupLog, 'readSnapshot'>,
  snapshot: SnapshotInfo,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < snapshot.size;) {
    const chunk = await log.readSnapshot(snapshot, at, CHUNK_BYTES);
    if (chunk.length === 0) return;
    at += chunk.length;
    yield chunk;
  }
}
