import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

import { foreignImports } from '../src/declared-imports.ts';
import { build, publishedPackages } from '../src/workspace.ts';

describe('what is published', () => {
  beforeAll(build, 60_000);

  it.each(publishedPackages())('of $name imports what it declares, and all of that', ({ folder, manifest }) => {
    const { packages, builtins } = foreignImports(path.join(folder, 'dist'));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect([...packages].toSorted()).toEqual(declared.toSorted());
    // Programs find it by its prefix, and bundlers too.
    for (const builtin of builtins) expect(builtin).toMatch(/^node:/u);
  });
});

describe('the imports of built modules', () => {
  it('are found in modules and declarations, whatever their form', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'quorate-imports-'));
    const module = `import { a } from '@q/a/deep';\nimport 'b';\nexport * from "c/d.js";\nimport './own.js';
const lazy = () => import('e');\n// import 'in-a-comment';\nconst text = "from 'a-text'";\n`;
    writeFileSync(path.join(folder, 'index.js'), module);
    writeFileSync(
      path.join(folder, 'index.d.ts'),
      "import type { Server } from 'node:net';\nexport type F = import('f').F;\n",
    );
    const { packages, builtins } = foreignImports(folder);
    rmSync(folder, { recursive: true });
    expect([...packages].toSorted()).toEqual(['@q/a', 'b', 'c', 'e', 'f']);
    expect([...builtins]).toEqual(['node:net']);
  });
});
