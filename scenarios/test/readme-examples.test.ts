import { execFile } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { type ExampleRuns, runExamples } from '../src/example-runs.ts';
import { blocksOf, type Example, examplesOf, nameOf, notInstalled } from '../src/readme-examples.ts';

const execute = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
// Inside the repository, so that packages are found; one folder a process, so that two runs don't meet.
const folder = path.join(root, 'scenarios/.mutants', `readme-${process.pid}`);
const bin = path.join(root, 'node_modules/.bin');

const elsewhere = ['**/node_modules/**', '**/dist/**', '**/.mutants/**'];
const pages = globSync('{*,.changeset/*,{packages,apps,examples,docs,bench,scenarios,servers,tools}/**/*}.md', {
  cwd: root,
  exclude: elsewhere,
}).sort();
const examples = pages.flatMap((page) => examplesOf(page, readFileSync(path.join(root, page), 'utf8')));
const shown = examples.filter(({ file }) => file !== undefined);
const checked = examples.filter(({ file }) => file === undefined);
const run = checked.filter(({ runs }) => runs);
const fileOf = (example: Example) => path.join(folder, nameOf(example));
let runs: ExampleRuns;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const example of checked) writeFileSync(fileOf(example), example.code);
  runs = runExamples(run.map(fileOf), 20_000);
});
afterAll(() => {
  runs[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('the examples of the documentation', () => {
  it('are found', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/first-cluster.md']));
    expect(checked.length).toBeGreaterThan(3);
    expect(shown.length).toBeGreaterThan(1);
  });

  it('have the right types', async () => {
    expect(await typeErrors(folder)).toBe('');
  }, 120_000);

  it('that are data can be parsed', () => {
    const parsers: Readonly<Record<string, (code: string) => unknown>> = { json: JSON.parse, yaml: parse };
    let parsed = 0;
    for (const page of pages) {
      for (const { language, code, line } of blocksOf(page, readFileSync(path.join(root, page), 'utf8'))) {
        if (!Object.hasOwn(parsers, language)) continue;
        expect(() => parsers[language]?.(code), `${page}:${line}`).not.toThrow();
        parsed += 1;
      }
    }
    expect(parsed).toBeGreaterThan(2);
  });

  it('need no more than what their pages install', () => {
    const missing = pages.flatMap((page) => {
      const text = readFileSync(path.join(root, page), 'utf8');
      return notInstalled(text, examplesOf(page, text)).map((name) => `${page}: ${name}`);
    });
    expect(missing).toEqual([]);
  });

  for (const example of shown) {
    it(`${example.page}:${example.line} is ${example.file}`, () => {
      const source = readFileSync(path.join(root, example.file ?? ''), 'utf8');
      expect(example.code).toBe(source);
    });
  }

  it.each(run.map((example) => [`${example.page}:${example.line}`, fileOf(example)]))(
    '%s runs',
    (_, file) => runs.of(file),
    60_000,
  );
});

describe('the check', () => {
  const broken = path.join(folder, 'broken');

  it('finds a wrong type', async () => {
    const [example] = examplesOf('page.md', "```ts\nimport { parseNode } from '@quorate/core';\nparseNode(7);\n```\n");
    mkdirSync(broken, { recursive: true });
    writeFileSync(path.join(broken, nameOf(example as Example)), example?.code ?? '');
    expect(await typeErrors(broken)).toContain('page-2.ts(2,11): error TS2345');
  }, 120_000);

  it('finds an example that throws, now or later, and one that would keep its process', async () => {
    const codes = {
      sound: 'await Promise.resolve();',
      throws: "throw new Error('at once');",
      rejects: "setTimeout(() => void Promise.reject(new Error('later')), 20);",
      stays: 'setInterval(() => undefined, 1000);',
      waits: 'await new Promise(() => undefined);',
    };
    mkdirSync(broken, { recursive: true });
    const files = Object.entries(codes).map(([name, code]) => {
      const file = path.join(broken, `${name}.mts`);
      writeFileSync(file, code);
      return file;
    });
    using broke = runExamples(files, 300);
    const problems = files.map((file) => broke.of(file).then(String, String));
    expect(await Promise.all(problems)).toEqual([
      'undefined',
      expect.stringContaining('at once'),
      expect.stringContaining('later'),
      expect.stringContaining('open are'),
      expect.stringContaining('not come to its end'),
    ]);
  });

  it('finds what is imported and not installed', () => {
    const page = (install: string) =>
      `${install}\n\`\`\`ts\nimport { a } from '@q/a';\nimport { b } from '@q/b/node';\nimport c from 'node:fs';\n\`\`\`\n`;
    const missing = (text: string) => notInstalled(text, examplesOf('page.md', text));
    expect(missing(page('    npm i @q/a'))).toEqual(['@q/b']);
    expect(missing(page('    npm i -D @q/a @q/b'))).toEqual([]);
    expect(missing(page('no command'))).toEqual([]);
  });

  it('refuses blocks that nothing would check', () => {
    for (const fence of ['```typescript', '```js', '~~~ts', '````ts', '> ```ts']) {
      expect(() => blocksOf('page.md', `text\n${fence}\ncode\n\`\`\`\n`), fence).toThrow('page.md:2');
    }
    expect(() => blocksOf('page.md', "text\n\n    import { a } from '@q/a';\n")).toThrow('page.md:3');
  });

  it('refuses marks that it does not know, and blocks without an end', () => {
    expect(() => examplesOf('page.md', '```ts no-check\n```\n')).toThrow('page.md:1');
    expect(() => examplesOf('page.md', 'text\n```ts\ncode\n')).toThrow('page.md:2');
  });
});

/** What the compiler says of the files in a folder. */
async function typeErrors(where: string): Promise<string> {
  const config = path.join(where, 'tsconfig.json');
  const compilerOptions = {
    noEmit: true,
    isolatedDeclarations: false,
    declaration: false,
    declarationMap: false,
    // An example may show a value without using it.
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const settings = { extends: path.join(root, 'tsconfig.base.json'), compilerOptions, include: ['./*.ts'] };
  writeFileSync(config, JSON.stringify(settings));
  // Several checkers would each work out the same types of the packages.
  return await execute(path.join(bin, 'tsc'), ['--singleThreaded', '-p', config], { cwd: where }).then(
    () => '',
    (error: { readonly stdout: string }) => error.stdout,
  );
}
