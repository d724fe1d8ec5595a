import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const folder = path.join(root, 'scenarios', '.mutants', packageName, mutation.name.replaceAll(/\W+/gu, '-'));
  rmSync(folder, { recursive: true, force: true });
  const copy = copyOf(packageName, folder);
  breakRule(copy, mutation);
  return (await import(pathToFileURL(path.join(copy, 'index.ts')).href)) as T;
}

/** A change of a package's source. */
export type Edit = Omit<Mutation, 'name'> & { readonly in: string };

/**
 * The same of packages that stand on each other: copies of all of them, which import each other and not the originals.
 * @param name of this set of copies
 * @param packageNames each behind those that it stands on
 * @returns what they export, all together
 * @throws Error as `importMutant`
 */
export async function importMutants<T>(
  name: string,
  packageNames: readonly string[],
  edits: readonly Edit[],
): Promise<Partial<T>> {
  const folder = path.join(root, 'scenarios', '.mutants', 'together', name.replaceAll(/\W+/gu, '-'));
  rmSync(folder, { recursive: true, force: true });
  const copies = packageNames.map((each) => copyOf(each, folder));
  for (const edit of edits) breakRule(path.join(folder, edit.in), { name, ...edit });
  for (const [at, copy] of copies.entries()) {
    for (const below of packageNames.slice(0, at)) importCopy(copy, below, folder);
  }
  const modules = await Promise.all(copies.map((copy) => import(pathToFileURL(path.join(copy, 'index.ts')).href)));
  return Object.assign({}, ...modules) as Partial<T>;
}

function copyOf(packageName: string, folder: string): string {
  const copy = path.join(folder, packageName);
  cpSync(path.join(root, 'packages', packageName, 'src'), copy, { recursive: true });
  return copy;
}

function breakRule(copy: string, mutation: Mutation): void {
  const file = path.join(copy, mutation.file);
  const parts = readFileSync(file, 'utf8').split(mutation.find);
  if (parts.length !== 2) {
    throw new Error(
      `mutation ${mutation.name}: its text stands ${parts.length - 1} times in ${mutation.file}, not once`,
    );
  }
  writeFileSync(file, parts.join(mutation.replace));
}

/** Lets a copied package import the copy of another one. */
function importCopy(copy: string, other: string, folder: string): void {
  for (const name of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = path.join(copy, name);
    const to = path.relative(path.dirname(file), path.join(folder, other, 'index.ts'));
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`'@quorate/${other}'`, `'${to}'`));
  }
}
