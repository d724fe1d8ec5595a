import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a program can import of a published package. */
export interface PublishedModule {
  /** As it is imported: `@quorate/core/node`. */
  readonly specifier: string;
  /** The built file. */
  readonly url: string;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

/** Of all packages, in the order of their names. */
export function publishedModules(): readonly PublishedModule[] {
  const packages = path.join(root, 'packages');
  return readdirSync(packages)
    .toSorted()
    .flatMap((folder) => modulesOf(path.join(packages, folder)));
}

/** Compiles all packages, as far as they have changed. */
export function build(): void {
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc');
  const { status } = spawnSync(tsc, ['-b', 'tsconfig.build.json'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the packages cannot be built');
}

function modulesOf(folder: string): readonly PublishedModule[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
  if (manifest.private === true) return [];
  return Object.entries(manifest.exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    const specifier = path.posix.join(manifest.name, entry);
    return [{ specifier, url: pathToFileURL(path.join(folder, target.default)).href }];
  });
}
