import path from 'node:path';
import { run } from './run.ts';
import type { Project } from './project.ts';
import { type EntryPoint, entryPointsOf, readManifest } from './workspace.ts';

/** What a program finds of these packages where they are installed. */
export function installedEntryPoints(project: Project, names: readonly string[]): readonly EntryPoint[] {
  return names.flatMap((name) => entryPointsOf(readManifest(path.join(project.folder, 'node_modules', name))));
}

/**
 * Imports each in one process.
 * @returns how many names each exports
 */
export async function importAll(
  project: Project,
  node: string,
  specifiers: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const program = `const found = {};
for (const specifier of ${JSON.stringify(specifiers)}) {
  found[specifier] = Object.keys(await import(specifier)).length;
}
console.log(JSON.stringify(found));
`;
  project.write('import-all.mjs', program);
  return JSON.parse(await run(node, ['import-all.mjs'], { cwd: project.folder })) as Record<string, number>;
}

/** A module of the project that uses each, for the compiler to look at. */
export function importingModule(specifiers: readonly string[]): string {
  const imports = specifiers.map((specifier, at) => `import * as part${at} from '${specifier}';`);
  return `${imports.join('\n')}\n\nexport const parts = [${specifiers.map((_, at) => `part${at}`).join(', ')}];\n`;
}
