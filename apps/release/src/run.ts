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

/** What is no setting of the machine: conditions would lead to sources, and what pnpm tells its scripts misleads npm. */
const OF_THIS_PROCESS = /^(?:NODE_OPTIONS|NODE_ENV|VITEST.*|npm_(?!config_(?:registry|cache|userconfig)$).*)$/iu;

/** @param programs a folder whose programs are found first */
export function cleanEnvironment(programs?: string): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THIS_PROCESS.test(name)));
  return programs === undefined ? env : { ...env, PATH: `${programs}${path.delimiter}${env['PATH'] ?? ''}` };
}
