/**
 * @packageDocumentation
 *
 * What one node must remember, in the files of one directory: small records, each replaced as a whole, and the logs of
 * replicated groups, which share one write and one sync. Checksummed, and durable before a call resolves. A lock keeps a
 * second process out.
 *
 * ```ts
 * import { createCluster } from '@quorate/core';
 * import { majorityElection } from '@quorate/election-majority';
 * import { fileStorage } from '@quorate/storage-file';
 * import { tcpTransport } from '@quorate/transport-tcp';
 *
 * const cluster = createCluster({
 *   nodeId: 'a',
 *   storage: fileStorage({ directory: '/var/lib/orders/node-a' }),
 *   transport: tcpTransport(),
 *   election: majorityElection({ voters: ['a'] }),
 * });
 * ```
 */
import type { Plugin, Storage } from '@quorate/core';
import { FileStorage } from './file-storage.ts';
import { checkFileStorageOptions, type FileStorageOptions } from './options.ts';

export type { FileLogOptions, FileStorageOptions } from './options.ts';

/**
 * Storage in a directory of its own.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function fileStorage(options: FileStorageOptions): Plugin<Storage, 'storage'> {
  const checked = checkFileStorageOptions(options);
  return {
    name: 'storage-file',
    kind: 'storage',
    requires: [],
    provides: ['durable-storage', 'log'],
    create: (context) => new FileStorage(context, checked),
  };
}
