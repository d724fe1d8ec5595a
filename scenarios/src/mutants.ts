import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One rule of a package, broken on purpose. */
export interface Mutation {
  /** What the mutant gets wrong: a short name. */
  readonly name: string;
  /** Below the package's `src`. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/**
 * A copy of a package's source with one rule broken, to import instead of the package: a suite that passes on it
 * doesn't test that rule. The source itself carries no switch for this.
 * @throws Error when the text to be replaced is not there exactly once: the mutation no longer breaks what it says
 */
export async function importMutant<T>(packageName: string, mutation: Mutation): Promise<T> {
  const source = path.join(root, 'packages', packageName, 'src');
  const copy = path.join(root, 'scenarios', '.mutants', packageName, mutation.name.replaceAll(/\W+/gu, '-'));
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  cpSync(source, copy, { recursive: true });
  const file = path.join(copy, mutation.file);
  const parts = readFileSync(file, 'utf8').split(mutation.find);
  if (parts.length !== 2) {
    throw new Error(
      `mutation ${mutation.name}: its text stands ${parts.length - 1} times in ${mutation.file}, not once`,
    );
  }
  writeFileSync(file, parts.join(mutation.replace));
  return (await import(pathToFileURL(path.join(copy, 'index.ts')).href)) as T;
}
