import { once } from 'node:events';
import { styleText } from 'node:util';
import { type Address, isClusterError, type Logger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { serveNodes } from '../dashboard/serve-nodes.ts';
import { relayedNet } from '../relay/relayed-net.ts';
import { type NodeOptions, readNodeOptions } from './node-options.ts';
import { describeReport, type NodeReport, type ReportSink } from './node-report.ts';
import { exitCodeOf } from './part-options.ts';
import { runNode } from './run-node.ts';
import { answerSupervisor } from './supervised.ts';

/** Started by the demo's supervisor, as opposed to by a person in a terminal. */
const isSupervised = process.send !== undefined;

/** A node that is asked to stop before it serves stops as soon as it does, unless that takes longer. */
const START_MS = 10_000;

async function main(): Promise<void> {
  const { relay, dashboard: at, ...settings } = readOptions();
  const stopping = onSignal();
  const giveUp = () => void setTimeout(() => process.exit(1), START_MS);
  stopping.addEventListener('abort', giveUp);
  const base = nodeSystem({ logger: stderrLogger });
  const system = relay === undefined ? base : { ...base, net: relayedNet(base.net, relay) };
  const node = await runNode(settings, system, isSupervised ? sendReport : printReport);
  if (isSupervised) answerSupervisor(node.cluster);
  if (at !== undefined) await showNode(at, node.url, settings.http.token);
  stopping.removeEventListener('abort', giveUp);
  await Promise.race([node.ended, aborted(stopping).then(() => node.stop())]);
  process.exit(0);
}

/** Aborts with the first signal that asks this process to end; a second one ends it at once. */
function onSignal(): AbortSignal {
  const asked = new AbortController();
  const end = () => {
    if (asked.signal.aborted) process.exit(1);
    asked.abort();
  };
  process.on('SIGTERM', end);
  // A Ctrl-C in the demo's terminal reaches this process too; what becomes of it is its supervisor's to say.
  process.on('SIGINT', isSupervised ? () => undefined : end);
  return asked.signal;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** In this process, as a client of its own API like any other. */
async function showNode(at: Address, url: string, bearerToken: string | undefined): Promise<void> {
  const { url: shown } = await serveNodes({ at, urls: [url], bearerToken });
  console.log(`To watch: ${shown}`);
}

function readOptions(): NodeOptions {
  try {
    return readNodeOptions(process.argv.slice(2));
  } catch (error) {
    process.exit(exitCodeOf(error));
  }
}

function sendReport(report: NodeReport): void {
  // A supervisor that is gone is noticed by 'disconnect'.
  if (process.connected) process.send?.(report, undefined, {}, () => undefined);
}

const printReport: ReportSink = (report) => {
  console.log(`${styleText('dim', new Date().toISOString().slice(11, 23))}  ${describeReport(report)}`);
};

const stderrLogger: Logger = {
  debug: (message) => console.error(message),
  info: (message) => console.error(message),
  warn: (message) => console.error(message),
  error: (message, ...details) => console.error(message, ...details),
};

// Never left behind by a supervisor that died.
if (isSupervised) process.once('disconnect', () => process.exit(1));

main().catch((error: unknown) => {
  console.error(isClusterError(error) ? `${error.code}: ${error.message}` : error);
  process.exit(1);
});
