#!/usr/bin/env node
import { exitCode } from './failure.ts';
import { run } from './program.ts';

/** Within which processes are ended and folders removed. */
const HEED_MS = 1_000;

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
    // What doesn't heed it is cut off.
    setTimeout(() => process.exit(exitCode.INTERRUPTED), HEED_MS).unref();
  });
}
// Whoever reads the output may go before all of it is written, as `head` does.
process.stdout.on('error', () => process.exit());

const { env, stdout, stderr } = process;
process.exitCode = await run({ argv: process.argv.slice(2), env, stdout, stderr, signal: interrupted.signal });
