import { statSync } from 'node:fs';
import path from 'node:path';
import { filesIn, type PackedPackage } from './packed.ts';
import type { Project } from './project.ts';
import { run } from './run.ts';

/** What a package costs whoever installs it. */
export interface Packed {
  /** Of the tarball. */
  readonly packedBytes: number;
  /** Of all files in it. */
  readonly unpackedBytes: number;
  readonly files: number;
}

/** What the first import of a module costs, counted: times differ from machine to machine, and from run to run. */
export interface Loaded {
  readonly files: number;
  readonly bytes: number;
  /** Parts of Node.js that an empty program doesn't load. */
  readonly builtins: readonly string[];
}

export async function measurePacked(packed: PackedPackage): Promise<Packed> {
  const sizes = [...(await filesIn(packed)).values()];
  return {
    packedBytes: statSync(packed.file).size,
    unpackedBytes: sizes.reduce((sum, size) => sum + size, 0),
    files: sizes.length,
  };
}

const LOADING_PROGRAM = `import { registerHooks } from 'node:module';
const loaded = { files: 0, bytes: 0, builtins: [] };
registerHooks({
  load(url, context, next) {
    const result = next(url, context);
    if (url.startsWith('node:')) loaded.builtins.push(url);
    else if (url.startsWith('file:') && result.source !== null && result.source !== undefined) {
      loaded.files += 1;
      loaded.bytes += Buffer.byteLength(result.source);
    }
    return result;
  },
});
await import(process.argv[2]);
console.log(JSON.stringify(loaded));
`;

/** In a process that has imported nothing yet. */
export async function measureLoaded(project: Project, node: string, specifier: string): Promise<Loaded> {
  project.write('load.mjs', LOADING_PROGRAM);
  return JSON.parse(await run(node, ['load.mjs', specifier], { cwd: project.folder })) as Loaded;
}

/** What an installation put there: packages, those of others among them, and bytes of all of them. */
export async function measureInstalled(
  project: Project,
): Promise<{ readonly packages: number; readonly others: number; readonly bytes: number }> {
  const listing = await run('npm', ['ls', '--all', '--parseable'], { cwd: project.folder });
  const folders = listing.split('\n').filter((line) => line.includes(`${path.sep}node_modules${path.sep}`));
  const bytes = await run('du', ['--bytes', '--summarize', 'node_modules'], { cwd: project.folder });
  const ours = folders.filter((folder) => folder.includes(`${path.sep}@quorate${path.sep}`));
  return { packages: folders.length, others: folders.length - ours.length, bytes: Number.parseInt(bytes, 10) };
}
