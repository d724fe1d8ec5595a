import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { anchorsOf, linksOf, slugOf, withLinks } from '../src/markdown.ts';
import { deadLinks, pages, targetOf } from '../src/pages.ts';
import { stagedAs } from '../src/site-map.ts';
import { stage } from '../src/stage.ts';

describe('the links of the documentation', () => {
  it('lead to files and headings that there are', () => {
    expect(pages().length).toBeGreaterThan(80);
    expect(deadLinks()).toEqual([]);
  });

  it('lead somewhere in the site too', () => {
    const out = mkdtempSync(path.join(tmpdir(), 'quorate-docs-'));
    try {
      stage(out);
      const missing = pages().flatMap((page) => {
        const staged = stagedAs(page);
        const text = readFileSync(path.join(out, staged), 'utf8');
        const places = linksOf(text).filter(({ target }) => !/^[a-z]+:|^#/u.test(target));
        const files = places.map(({ target }) => path.join(path.dirname(staged), target.split('#')[0] ?? ''));
        return files.filter((file) => !existsSync(path.join(out, file))).map((file) => `${page}: ${file}`);
      });
      expect(missing).toEqual([]);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});

describe('the check of links', () => {
  it('finds what leads to no file, to no heading, and out of the repository', () => {
    expect(() => targetOf('README.md', 'docs/nowhere.md')).toThrow('docs/nowhere.md leads to nothing');
    expect(() => targetOf('README.md', 'docs/semver.md#nothing')).toThrow('no such heading');
    expect(() => targetOf('README.md', '../elsewhere')).toThrow('leads to nothing');
  });

  it('takes a folder for its page, and leaves other sites alone', () => {
    expect(targetOf('docs/semver.md', '../packages/core')).toEqual({ file: 'packages/core/README.md', anchor: '' });
    expect(targetOf('README.md', 'docs/decisions')).toEqual({ file: 'docs/decisions', anchor: '' });
    expect(targetOf('README.md', 'https://etcd.io')).toBeUndefined();
  });

  it('sees no links in code', () => {
    const text = '[a](b)\n```ts\n[c](d)\n```\n`[e](f)` [g](h)\n\n    [i](j)\n';
    expect(linksOf(text).map(({ target }) => target)).toEqual(['b', 'h']);
    expect(withLinks(text, () => 'X')).toBe('[a](X)\n```ts\n[c](d)\n```\n`[e](f)` [g](X)\n\n    [i](j)\n');
  });

  it('names headings as GitHub does', () => {
    expect(slugOf('What is *not*, and `why`: 1.5 s')).toBe('what-is-not-and-why-15-s');
    expect([...anchorsOf('# A b\n\n## A b\n```sh\n# no heading\n```\n')]).toEqual(['a-b', 'a-b-1']);
  });
});
