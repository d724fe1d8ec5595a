import { execFile } from 'node:child_process';
import path from 'node:path';

const DEFAULT_TIMEOUT_MS = 300_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface RunOptions {
  readonly cwd: string;
  /** A folder whose programs are found first. */
  readonly programs?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end.
 * @returns what it printed to its standard output
 * @throws Error with all that it printed when it fails or takes longer
 */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { cwd, programs, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    const settings = {
      cwd,
      env: cleanEnvironment(programs),
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
    } as const;
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`, { cause: error }));
    });
  });
}

/** Nothing of how this process was started: conditions would lead to sources, and settings of pnpm mislead npm. */
export function cleanEnvironment(programs?: string): NodeJS.ProcessEnv {
  const mine = Object.entries(process.env).filter(
    ([name]) => !/^(?:NODE_OPTIONS|NODE_ENV|VITEST.*|npm_.*)$/iu.test(name),
  );
  const env = Object.fromEntries(mine);
  return programs === undefined ? env : { ...env, PATH: `${programs}${path.delimiter}${env['PATH'] ?? ''}` };
}
