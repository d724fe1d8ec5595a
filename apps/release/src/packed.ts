import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './run.ts';
import { type PublishedPackage, root } from './workspace.ts';

/** A package as it would be published. */
export interface PackedPackage {
  readonly name: string;
  /** The tarball. */
  readonly file: string;
}

/** Packs them the way they are published: only pnpm knows what stands behind `workspace:`. */
export async function pack(packages: readonly PublishedPackage[], folder: string): Promise<readonly PackedPackage[]> {
  mkdirSync(folder, { recursive: true });
  const filters = packages.map(({ name }) => `--filter=${name}`);
  await runPnpm([...filters, '--recursive', 'pack', '--pack-destination', folder]);
  const files = readdirSync(folder);
  return packages.map(({ name }) => {
    const start = `${name.replace('@', '').replace('/', '-')}-`;
    const file = files.find(
      (candidate) => candidate.startsWith(start) && /^\d+\.\d/u.test(candidate.slice(start.length)),
    );
    if (file === undefined) throw new Error(`pnpm has packed no ${name}: ${files.join(' ')}`);
    return { name, file: path.join(folder, file) };
  });
}

/** What a tarball holds, each path from the package's folder, with its size in bytes. */
export async function filesIn({ file }: PackedPackage): Promise<ReadonlyMap<string, number>> {
  const listing = await run('tar', ['--list', '--verbose', '--numeric-owner', '--gzip', '--file', file], {
    cwd: path.dirname(file),
  });
  const lines = listing.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [, size = '', name = ''] = /^\S+ +\S+ +(\d+) \S+ \S+ package\/(.+)$/u.exec(line) ?? [];
      if (name === '') throw new Error(`${file}: ${line} is no file of a package`);
      return [name, Number(size)];
    }),
  );
}

/** Runs the version of pnpm that the repository names. */
async function runPnpm(args: readonly string[]): Promise<string> {
  const { packageManager } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    readonly packageManager: string;
  };
  return await run('npx', ['--yes', packageManager, ...args], { cwd: root });
}
