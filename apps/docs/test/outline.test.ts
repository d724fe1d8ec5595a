import { globSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { problemsOf } from '../src/outline.ts';
import { root, textOf } from '../src/pages.ts';

const readmes = globSync('packages/*/README.md', { cwd: root }).sort();

describe('the pages of packages', () => {
  it('have one outline', () => {
    expect(readmes.length).toBeGreaterThan(30);
    expect(readmes.flatMap((page) => problemsOf(page, textOf(page)))).toEqual([]);
  });
});

describe('the check of outlines', () => {
  const page = 'packages/core/README.md';
  const text = textOf(page);
  const installed = /^ {4}npm i .*$/mu;

  it('misses a title, an installation, an example, and a chapter', () => {
    expect(problemsOf(page, text)).toEqual([]);
    expect(problemsOf(page, text.replace('# @quorate/core', '# Core'))).toHaveLength(1);
    expect(problemsOf(page, text.replace(installed, ''))).toHaveLength(1);
    expect(problemsOf(page, text.replaceAll('```ts', '```json'))).toHaveLength(1);
    expect(problemsOf(page, text.replace('## Guarantees', '## Promises'))).toHaveLength(1);
  });

  it('misses the order', () => {
    expect(problemsOf(page, text.replace('## Options', '## First\n\n## Options'))).toHaveLength(1);
    expect(problemsOf(page, `${text}\n## Last\n`)).toHaveLength(1);
  });
});
