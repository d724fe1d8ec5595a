// One node of the benchmark of takeovers: ID ENGINE PLACE TTL_MS; reports over IPC.
import { createCluster } from '@quorate/core';
import { tcpTransport } from '@quorate/transport-tcp';

import { takeoverEngines } from './takeover-engines.ts';

/** `at`: milliseconds of the machine's monotonic clock. */
export type TakeoverReport = { readonly id: string; readonly at: number } & (
  | { readonly type: 'granted'; readonly token: string }
  | { readonly type: 'observed'; readonly leader: string | undefined }
  | { readonly type: 'stopping' }
);

const [id = '', name = '', place = '', ttlMs = ''] = process.argv.slice(2);
const engine = takeoverEngines.find((known) => known.name === name);
if (engine === undefined) throw new Error(`there is no engine ${name}`);

const cluster = createCluster({
  nodeId: id,
  bind: '127.0.0.1:0',
  insecure: true,
  transport: tcpTransport(),
  election: engine.election(place, Number(ttlMs)),
  logLevel: 'error',
});

type Draft<R = TakeoverReport> = R extends TakeoverReport ? Omit<R, 'id' | 'at'> : never;

function report(draft: Draft): void {
  process.send?.({ ...draft, id, at: Number(process.hrtime.bigint()) / 1e6 });
}

cluster.on('leadershipAcquired', ({ leadership }) => report({ type: 'granted', token: String(leadership.token) }));
cluster.on('leaderChanged', ({ leader }) => report({ type: 'observed', leader: leader?.nodeId }));
process.on('disconnect', () => process.exit());
process.on('message', () => {
  report({ type: 'stopping' });
  cluster[Symbol.asyncDispose]().then(
    () => process.exit(),
    () => process.exit(1),
  );
});
await cluster.start();
