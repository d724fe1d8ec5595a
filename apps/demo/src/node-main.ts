import { styleText } from 'node:util';
import { isClusterError, type Logger } from '@quorate/core';
import { FencingLedger } from './ledger.ts';
import { type LedgerServer, serveLedger } from './ledger-server.ts';
import { isNodeRequest } from './node-request.ts';
import { exitCodeOf, type NodeOptions, readNodeOptions } from './options.ts';
import { describeReport, type NodeReport, type ReportSink } from './report.ts';
import { runNode } from './run-node.ts';

/** Started by the demo's supervisor, as opposed to by a person in a terminal. */
const isSupervised = process.send !== undefined;

async function main(): Promise<void> {
  const options = readOptions();
  const ledger = await openLedger(options);
  const settings = { ...options, ledgerUrl: ledger?.url ?? options.ledgerUrl };
  const node = await runNode(settings, stderrLogger, isSupervised ? sendReport : printReport);
  const stop = async () => {
    await node.stop();
    await ledger?.[Symbol.asyncDispose]();
    process.exit(0);
  };
  process.on('message', (message) => {
    if (isNodeRequest(message)) void node.discover();
  });
  let asked = false;
  const onSignal = () => {
    if (asked) process.exit(1);
    asked = true;
    void stop();
  };
  process.on('SIGTERM', onSignal);
  // A Ctrl-C in the demo's terminal reaches this process too; what becomes of it is its supervisor's to say.
  process.on('SIGINT', isSupervised ? () => undefined : onSignal);
}

function readOptions(): NodeOptions {
  try {
    return readNodeOptions(process.argv.slice(2));
  } catch (error) {
    process.exit(exitCodeOf(error));
  }
}

async function openLedger({ serveLedger: port, bind }: NodeOptions): Promise<LedgerServer | undefined> {
  if (port === undefined) return undefined;
  const host = bind.slice(0, bind.lastIndexOf(':')).replaceAll(/[[\]]/gu, '');
  const ledger = await serveLedger(new FencingLedger(), { host, port });
  console.log(`${clockText()}  the ledger is ${ledger.url}`);
  return ledger;
}

function sendReport(report: NodeReport): void {
  // A supervisor that is gone is noticed by 'disconnect'.
  if (process.connected) process.send?.(report, undefined, {}, () => undefined);
}

const printReport: ReportSink = (report) => {
  const text = describeReport(report);
  if (text === undefined) return;
  const style = STYLES[report.type];
  console.log(`${clockText()}  ${style === undefined ? text : styleText(style, text)}`);
};

const STYLES: Partial<Record<NodeReport['type'], 'green' | 'yellow' | 'red' | 'dim'>> = {
  granted: 'green',
  ended: 'yellow',
  refused: 'red',
  'ledger-failed': 'red',
  accepted: 'dim',
};

function clockText(): string {
  return styleText('dim', new Date().toISOString().slice(11, 23));
}

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
