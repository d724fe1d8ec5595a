// One of the three processes of `quorate bench`: its parent tells it what to do, by messages.
import { randomBytes } from 'node:crypto';
import {
  type Cluster,
  type Codec,
  createCluster,
  type Replicator,
  silentLogger,
  type StateMachine,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { BENCH_NODES, type FromNode, type ToNode } from './bench-messages.ts';
import { measured, repeated } from './measured.ts';

type Loaded = Replicator<Uint8Array, number, null, number>;

const number: Codec<number> = {
  encode: (value) => new TextEncoder().encode(String(value)),
  decode: (bytes) => Number(new TextDecoder().decode(bytes)),
};
const raw: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes };
const nothing: Codec<null> = { encode: () => new Uint8Array(), decode: () => null };

/** Counts commands; what is in them makes no difference. */
function counting(): StateMachine<Uint8Array, number, null, number> {
  let count = 0;
  return {
    version: 1,
    codec: { command: raw, result: number, query: nothing, answer: number },
    apply: (batch) => batch.map(() => (count += 1)),
    query: () => count,
    capture: () => {
      const bytes = number.encode(count);
      return {
        async *chunks() {
          yield bytes;
        },
        release: () => undefined,
      };
    },
    restore: async (chunks) => {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      count = number.decode(Buffer.concat(parts));
    },
  };
}

let cluster: Cluster<Loaded> | undefined;

function tell(message: FromNode): void {
  process.send?.(message);
}

async function start({ nodeId, directory, secret, seedNodes }: Extract<ToNode, { type: 'start' }>): Promise<void> {
  const made = createCluster<Loaded>({
    name: 'bench',
    nodeId,
    bind: '127.0.0.1:0',
    secret,
    seedNodes: [...seedNodes],
    system: nodeSystem({ logger: silentLogger }),
    transport: tcpTransport(),
    storage: fileStorage({ directory }),
    replicator: raftReplicator({ voters: [...BENCH_NODES], machine: counting }),
  });
  cluster = made;
  await made.start();
  tell({ type: 'started', address: `${made.self.host}:${made.self.port}` });
  for await (const { role } of made.replicator.watch()) tell({ type: 'role', isLeader: role === 'leader' });
}

async function load({ forMs, inFlight, bytes }: Extract<ToNode, { type: 'load' }>): Promise<void> {
  if (cluster === undefined) throw new Error('load before start');
  const { replicator } = cluster;
  const command = new Uint8Array(randomBytes(bytes));
  const begin = performance.now();
  const commit = async () => repeated(() => replicator.replicate(command), { forMs, most: 10_000_000 });
  const times = await Promise.all(Array.from({ length: inFlight }, commit));
  tell({ type: 'loaded', forMs: performance.now() - begin, latency: measured(times.flat()) });
}

process.on('message', (message: ToNode) => {
  const done = message.type === 'start' ? start(message) : load(message);
  done.catch((error: unknown) => tell({ type: 'failed', message: String(error) }));
});
// Without its parent it has nothing to do.
process.on('disconnect', () => process.exit());
