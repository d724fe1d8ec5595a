import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { apiSurfaces } from './api-surface.ts';
import { publishedPackages, root } from './workspace.ts';

/** The file of a package that says what programs see of it. */
export interface ApiFile {
  readonly file: string;
  /** From the root of the repository. */
  readonly name: string;
  /** What it should hold. */
  readonly text: string;
  /** What it holds; empty where it is not there. */
  readonly committed: string;
}

/** Of all packages, as they are built now. */
export function apiFiles(): readonly ApiFile[] {
  const packages = publishedPackages();
  const surfaces = apiSurfaces(packages);
  return packages.map(({ name, folder }) => {
    const file = path.join(folder, 'api.txt');
    const committed = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return { file, name: path.relative(root, file), text: surfaces.get(name) ?? '', committed };
  });
}
