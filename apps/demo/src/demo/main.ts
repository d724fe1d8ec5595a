import { styleText } from 'node:util';
import { exitCodeOf } from '../node/part-options.ts';
import { consoleOutput, summaryOf } from '../script/printing.ts';
import { runScript } from '../script/script.ts';
import { type DemoOptions, readDemoOptions, titleOf } from './demo-options.ts';

import { runLive } from '../terminal/live.ts';
import { askedBy, openSession, type Session } from './session.ts';

async function main(): Promise<number> {
  const options = readOptions();
  const interrupt = new AbortController();
  const interrupted = onInterrupt(interrupt);
  const opening = open(options);
  const isEarly = typeof (await Promise.race([opening, interrupted])) === 'number';
  if (isEarly) console.error('What is being started is ended first; once more ends it at once.');
  const session = await opening;
  if (session === undefined) return 1;
  try {
    const isLive = !options.script && process.stdin.isTTY && process.stdout.isTTY;
    return await Promise.race([isLive ? runLive(session) : unattended(session, interrupt.signal), interrupted]);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

/** Undefined where something that it takes is not to be had, such as a server: what, is said in one line. */
async function open(options: DemoOptions): Promise<Session | undefined> {
  try {
    return await openSession(options);
  } catch (error) {
    console.error(styleText('red', error instanceof Error ? error.message : String(error)));
    return undefined;
  }
}

async function unattended(session: Session, interrupted: AbortSignal): Promise<number> {
  console.log(titleOf(session.options));
  console.log(`To watch: ${session.url}`);
  const addresses = session.supervisor.nodes.map(({ address }) => address);
  console.log(`To ask: ${askedBy(session, addresses)}`);
  try {
    const measures = await runScript(session, consoleOutput(process.stdout));
    console.log(`\n${styleText('green', 'All was as it should be.')} How long clients had to wait:\n`);
    for (const line of summaryOf(measures)) console.log(`  ${line}`);
    return 0;
  } catch (error) {
    // What fails then fails of that.
    if (interrupted.aborted) return 1;
    console.log(`\n${styleText('red', 'Not so:')} ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function readOptions(): DemoOptions {
  try {
    return readDemoOptions(process.argv.slice(2));
  } catch (error) {
    process.exit(exitCodeOf(error));
  }
}

/** Resolves with the exit code of the first signal that asks this process to end, and aborts; a second one ends it at once. */
function onInterrupt(interrupt: AbortController): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
    for (const [signal, code] of Object.entries(codes)) {
      process.on(signal, () => {
        if (asked) process.exit(code);
        asked = true;
        interrupt.abort();
        resolve(code);
      });
    }
  });
}

// By force: what an interrupt left half way may still wait for something.
process.exit(await main());
