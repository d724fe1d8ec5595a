import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

import { expect, it } from 'vitest';

import { chatter } from './chatter.ts';

const path = (relative: string) => new URL(relative, import.meta.url).pathname;
const node24 = path('../../../node_modules/.bin/node');
const require = createRequire(import.meta.url);
const node22 = require.resolve('node22/package.json').replace('package.json', 'bin/node');

function hashIn(node: string, seed: string): string {
  const flags = ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning'];
  return execFileSync(node, [...flags, path('chatter.ts'), seed], { encoding: 'utf8' }).trim();
}

it('gives one trace for one seed: in this process, in another, and on another version of Node', async () => {
  const here = (await chatter('one')).trace.hash;
  expect((await chatter('one')).trace.hash).toBe(here);
  expect(hashIn(process.execPath, 'one')).toBe(here);
  expect(hashIn(node24, 'one')).toBe(here);
  expect(existsSync(node22)).toBe(true);
  expect(hashIn(node22, 'one')).toBe(here);
});

it('gives another trace for another seed', async () => {
  const hashes = new Set<string>();
  for (const seed of ['one', 'two', 'three', 1, 2, 3]) hashes.add((await chatter(seed)).trace.hash);
  expect(hashes.size).toBe(6);
});

it('has every kind of trouble', async () => {
  const { trace } = await chatter('trouble');
  const text = trace.text();
  const kinds = [
    'crash',
    'loses power',
    'pause',
    'drift',
    'block',
    'link',
    'datagram lost',
    'stalls',
    'reset',
    'disk sync',
  ];
  expect(kinds.filter((kind) => !text.includes(kind))).toEqual([]);
});
