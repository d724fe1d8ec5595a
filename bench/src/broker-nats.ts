import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { findProgram } from '@quorate/test-servers';
import type { BrokerSystem } from './broker-system.ts';
import { freePorts } from './free-ports.ts';
import type { Scratch } from './scratch.ts';

const IDS = ['a', 'b', 'c'];
const START_MS = 30_000;
const RETRY_MS = 100;

/** `sync_interval: always`: what it acknowledges is on disk, as with ours. */
export const syncedNatsBroker: BrokerSystem = natsBroker('nats-sync', 'always');

/** As it comes: it syncs every two minutes. What it acknowledges may be lost when machines lose power. */
export const natsBrokerAsItComes: BrokerSystem = natsBroker('nats', '2m');

function natsBroker(name: 'nats-sync' | 'nats', syncInterval: string): BrokerSystem {
  return {
    name,
    unavailable: () =>
      findProgram('nats-server') === undefined
        ? 'there is no nats-server: put it on the PATH or name its folder in QUORATE_SERVERS'
        : undefined,
    start: async (scratch) => {
      const urls = await startServers(scratch, syncInterval);
      await Promise.all(urls.map((url) => haveStarted(url)));
      await haveLeader(urls[0] ?? '');
      return { system: 'nats', urls };
    },
  };
}

async function startServers(scratch: Scratch, syncInterval: string): Promise<readonly string[]> {
  const program = findProgram('nats-server');
  if (program === undefined) throw new Error('there was a nats-server a moment ago');
  const folder = scratch.folder('nats');
  const ports = await freePorts(2 * IDS.length);
  const routes = IDS.map((_, at) => `nats://127.0.0.1:${ports[IDS.length + at] ?? 0}`);
  IDS.forEach((id, at) => {
    const file = path.join(folder, `${id}.conf`);
    writeFileSync(
      file,
      `server_name: ${id}
listen: 127.0.0.1:${ports[at] ?? 0}
jetstream { store_dir: "${path.join(folder, id)}", sync_interval: ${syncInterval} }
cluster { name: bench, listen: 127.0.0.1:${ports[IDS.length + at] ?? 0}, routes: [${routes.join(', ')}] }
`,
    );
    const child = scratch.run(program, ['--config', file]);
    child.stdout?.resume();
    child.stderr?.resume();
  });
  return IDS.map((_, at) => `127.0.0.1:${ports[at] ?? 0}`);
}

async function haveStarted(url: string): Promise<void> {
  const [host = '', port = ''] = url.split(':');
  await within('listened', async () => {
    const socket = createConnection({ host, port: Number(port) });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.destroy();
  });
}

/** Of JetStream itself: until there is one, no stream can be made. */
async function haveLeader(url: string): Promise<void> {
  await within('had a leader', async () => {
    const connection = await connect({ servers: url, reconnect: false });
    try {
      await jetstreamManager(connection, { checkAPI: true });
    } finally {
      await connection.close();
    }
  });
}

async function within(what: string, attempt: () => Promise<void>): Promise<void> {
  let cause: unknown = undefined;
  for (const end = performance.now() + START_MS; performance.now() < end; await delay(RETRY_MS)) {
    try {
      return await attempt();
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(`no nats-server ${what} within ${START_MS} ms`, { cause });
}
