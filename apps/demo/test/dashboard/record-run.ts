// Records the run that the dashboard's tests replay: node --conditions=@quorate/source test/dashboard/record-run.ts
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { openSession } from '../../src/demo/session.ts';
import { demoOptions } from './demo-run.ts';
import { RECORDING } from './recorded-run.ts';
import type { RecordedLine } from './recorded-run.ts';

const STATE_MS = 500;
const PATIENCE_MS = 60_000;
const WATCHED_MS = 3000;

await using session = await openSession(demoOptions());
const { supervisor, controls, source, traffic } = session;
const began = performance.now();
const lines: RecordedLine[] = [];
const atMs = (): number => Math.round(performance.now() - began);
const unsubscribe = source.subscribe({
  onChange: () => undefined,
  onEntry: (entry) => lines.push({ atMs: atMs(), entry }),
});
const timer = setInterval(() => lines.push({ atMs: atMs(), state: source.state() }), STATE_MS);

for (const { id } of supervisor.nodes) supervisor.start(id);
await traffic.start(AbortSignal.timeout(PATIENCE_MS));
await leads();
const killed = await leads();
await controls.act({ action: 'kill', node: killed });
await leads(killed);
await controls.act({ action: 'start', node: killed });
await supervisor.until('all answer', () => supervisor.nodes.every(({ status }) => status !== undefined), PATIENCE_MS);
await sleep(WATCHED_MS);
const isolated = await leads();
await controls.act({ action: 'isolate', node: isolated });
await leads(isolated);
await controls.act({ action: 'heal' });
await sleep(WATCHED_MS);

clearInterval(timer);
unsubscribe();
writeFileSync(RECORDING, gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { level: 9 }));

/** The node that leads, other than the one given; watched for a moment more. */
async function leads(other?: string): Promise<string> {
  await supervisor.until(
    'a node leads',
    () => supervisor.leader !== undefined && supervisor.leader.id !== other,
    PATIENCE_MS,
  );
  await sleep(WATCHED_MS);
  return supervisor.leader?.id ?? leads(other);
}
