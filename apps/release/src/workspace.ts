import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { run } from './run.ts';

/** Of the repository. */
export const root = path.resolve(import.meta.dirname, '../../..');

/** The programs that the repository installs. */
export const bin = path.join(root, 'node_modules', '.bin');

type Target = string | { readonly types: string; readonly default: string };

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, Target>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface PublishedPackage {
  readonly name: string;
  /** Where its sources and what is built of them are. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What a program can import. */
export interface EntryPoint {
  /** As it is imported: `@quorate/core/node`. */
  readonly specifier: string;
  /** The module, from the package's folder. */
  readonly module: string;
  /** Its declarations, from the package's folder. */
  readonly types: string;
}

/** In the order of their names. */
export function publishedPackages(): readonly PublishedPackage[] {
  const packages = path.join(root, 'packages');
  return readdirSync(packages)
    .toSorted()
    .map((name) => path.join(packages, name))
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Files that are no modules, such as `./package.json`, are none. */
export function entryPointsOf({ name, exports = {} }: Manifest): readonly EntryPoint[] {
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    return [{ specifier: path.posix.join(name, entry), module: target.default, types: target.types }];
  });
}

/** These and the packages of ours that they need, also those that whoever installs them has to provide. */
export function withTheirNeeds(names: readonly string[]): readonly PublishedPackage[] {
  const all = new Map(publishedPackages().map((found) => [found.name, found]));
  const needed = new Set<PublishedPackage>();
  const add = (name: string) => {
    const found = all.get(name);
    if (found === undefined || needed.has(found)) return;
    needed.add(found);
    Object.keys({ ...found.manifest.dependencies, ...found.manifest.peerDependencies }).forEach(add);
  };
  names.forEach(add);
  return [...needed];
}

/**
 * Compiles all packages, as far as they have changed, and removes what was built of sources that are gone: the compiler
 * leaves that, and it would be packed.
 */
export async function build(): Promise<void> {
  await run(path.join(bin, 'tsc'), ['-b', 'tsconfig.build.json'], { cwd: root });
  for (const { folder } of publishedPackages()) {
    for (const file of filesBelow(path.join(folder, 'dist'))) {
      const source = path.join(folder, 'src', file.replace(/(?:\.d\.ts|\.js)(?:\.map)?$/u, '.ts'));
      if (!existsSync(source)) rmSync(path.join(folder, 'dist', file), { force: true });
    }
  }
}

/** Each path from the folder. */
function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
