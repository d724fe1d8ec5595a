// node worker.ts KEEPER FOLDER STORE PLACE: takes the lock, looks whether it has it, and writes when it is told to go on.
import { once } from 'node:events';
import process from 'node:process';
import { createCluster, isClusterError } from '@quorate/core';
import { raftLocks } from '@quorate/lock-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { openStore } from './open-store.ts';

const [keeper = '', folder = '', kind = '', place = ''] = process.argv.slice(2);
const store = await openStore(kind, place);
const cluster = createCluster({
  name: 'accounts',
  nodeId: 'worker',
  bind: '127.0.0.1:0',
  seedNodes: [keeper],
  transport: tcpTransport(),
  storage: fileStorage({ directory: folder }),
  // This node keeps no locks itself: it asks the one that does.
  locks: raftLocks({ voters: ['keeper'], profile: 'fast' }),
  logLevel: 'warn',
});
await cluster.start();

const lock = await cluster.locks.lock('account', { ttlMs: 2_000 });
await store.write('account', 'of the worker, in time', lock.token);
if (!lock.isValid()) throw new Error('the machine is too slow for this example');
console.log('holds the lock');

// Here the world may stop for this process: a long collection of garbage, a machine that is moved, a laptop that is closed.
await once(process.stdin, 'data');

// It looked before, and doesn't look again. Even if it did, the pause might come right behind that.
try {
  await store.write('account', 'of the worker, late', lock.token);
  console.log('written');
} catch (error) {
  console.log(isClusterError(error, 'STALE_TOKEN') ? 'refused' : String(error));
}
await store.close();
await cluster.stop();
process.exit();
