import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ApiFile, apiFiles } from '../src/api-files.ts';
import { apiSurfaces } from '../src/api-surface.ts';
import { build, publishedPackages } from '../src/workspace.ts';

describe('what programs see of the packages', () => {
  let files: readonly ApiFile[] = [];
  beforeAll(async () => {
    await build();
    files = apiFiles();
  }, 60_000);

  it.each(publishedPackages().map(({ name }, at) => [name, at] as const))('%s is as it was reviewed', (_, at) => {
    const { text = '', committed = '', name = '' } = files[at] ?? {};
    expect(text, `${name} is written anew by: npm run api`).toBe(committed);
  });
});

describe('a text of what programs see', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-api-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function surface(files: Readonly<Record<string, string>>): string {
    mkdirSync(path.join(folder, 'dist'), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, 'dist', name), text);
    const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };
    const manifest = { name: 'part', version: '1.0.0', exports };
    return apiSurfaces([{ name: 'part', folder, manifest }]).get('part') ?? '';
  }

  const part = `/** Comments are not part of it. */
export declare class Part extends Base { #private; readonly size: number; give(to: Taker): void }
declare class Base { id: string }
export interface Taker { (what: Hidden): void }
/** @deprecated use size */
export declare const count: number;
interface Hidden { of: Hidden; x?: 1 }
interface Unused { y: 2 }
`;
  const index = "export { Part } from './part.ts';\nexport { type Taker as Eater, count } from './part.ts';\n";

  it('has what is exported, by name, and what that refers to', () => {
    expect(surface({ 'index.d.ts': index, 'part.d.ts': part })).toBe(`== part

// exported as Eater
interface Taker {
    (what: Hidden): void;
}

declare class Part extends Base {
    #private;
    readonly size: number;
    give(to: Taker): void;
}

// deprecated
declare const count: number;

-- referred to, and not exported

declare class Base {
    id: string;
}

interface Hidden {
    of: Hidden;
    x?: 1;
}
`);
  });

  it.each([
    ['a member that goes', 'readonly size: number; ', ''],
    ['a member that nothing exported by name has', 'x?: 1', 'x: 1'],
    ['a type of a parameter', 'to: Taker', 'to: Taker | undefined'],
    ['a type of a constant', 'count: number', 'count: string'],
  ])('shows %s', (_, before, after) => {
    const changed = surface({ 'index.d.ts': index, 'part.d.ts': part.replace(before, after) });
    expect(changed).not.toBe(surface({ 'index.d.ts': index, 'part.d.ts': part }));
  });

  it('does not show how a comment or what nothing refers to changes', () => {
    const changed = part.replace('Comments', 'Remarks').replace('y: 2', 'y: 3');
    expect(surface({ 'index.d.ts': index, 'part.d.ts': changed })).toBe(
      surface({ 'index.d.ts': index, 'part.d.ts': part }),
    );
  });
});
