import { existsSync } from 'node:fs';
import path from 'node:path';
import { Project } from './project.ts';
import { run } from './run.ts';

/** A Node.js to run things on. */
export interface Runtime {
  /** `v22.20.0`. */
  readonly version: string;
  readonly node: string;
}

/** The releases that the packages are for. */
export const RELEASES = [22, 24, 26] as const;

/**
 * The newest of a release, as npm has it.
 * @param parent a folder to put it into
 * @throws Error where the registry doesn't have it
 */
export async function fetchRuntime(release: number, parent: string): Promise<Runtime> {
  const project = new Project(parent);
  // The package for this machine, which is all that `node` would fetch.
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  await project.install([`${name}@${release}`]);
  const node = path.join(project.folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(node)) throw new Error(`${name}@${release} has no bin/node`);
  return { node, version: (await run(node, ['--version'], { cwd: project.folder })).trim() };
}
