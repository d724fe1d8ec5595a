import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

/** What built modules import that is in another package. */
export interface ForeignImports {
  /** Names of packages. */
  readonly packages: ReadonlySet<string>;
  /** Parts of Node.js. */
  readonly builtins: ReadonlySet<string>;
}

/** Of all modules and declarations below a folder. */
export function foreignImports(folder: string): ForeignImports {
  const packages = new Set<string>();
  const builtins = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:js|d\.ts)$/u.test(file)) continue;
    for (const specifier of specifiersIn(readFileSync(path.join(folder, file), 'utf8'))) {
      if (isBuiltin(specifier)) builtins.add(specifier);
      else if (!specifier.startsWith('.')) packages.add(packageOf(specifier));
    }
  }
  return { packages, builtins };
}

/** Also of imports that are made later. */
function specifiersIn(text: string): readonly string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
