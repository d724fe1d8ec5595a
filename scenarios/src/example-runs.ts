import { fork } from 'node:child_process';
import path from 'node:path';
import type { ExampleOutcome } from './run-examples.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Examples that run in a process of theirs, one after the other. */
export interface ExampleRuns extends Disposable {
  /** Resolves when this file has come to its end; rejects with what was wrong. */
  of(file: string): Promise<void>;
}

/** @param patienceMs how long each may take */
export function runExamples(files: readonly string[], patienceMs: number): ExampleRuns {
  const runs = new Map(files.map((file) => [file, Promise.withResolvers<void>()]));
  for (const { promise } of runs.values()) promise.catch(() => undefined);
  const child = fork(path.join(import.meta.dirname, 'run-examples.ts'), [String(patienceMs), ...files], {
    execPath: path.join(root, 'node_modules/.bin/node'),
    execArgv: ['--conditions=@quorate/source'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.on('message', ({ file, problem }: ExampleOutcome) => {
    if (problem === undefined) runs.get(file)?.resolve();
    else runs.get(file)?.reject(new Error(problem));
  });
  child.on('close', () => {
    for (const { reject } of runs.values()) reject(new Error(`the process is gone: ${complaints}`));
  });
  return {
    of: (file) => runs.get(file)?.promise ?? Promise.reject(new Error(`${file} does not run`)),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}
