#!/usr/bin/env node
import { run } from './program.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
    // What doesn't heed it is cut off.
    setTimeout(() => process.exit(130), 300).unref();
  });
}
// Whoever reads the output may go before all of it is written, as `head` does.
process.stdout.on('error', () => process.exit());

const { env, stdout, stderr } = process;
process.exitCode = await run({ argv: process.argv.slice(2), env, stdout, stderr, signal: interrupted.signal });
