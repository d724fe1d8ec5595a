import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { anchorsOf, linksOf } from './markdown.ts';

/** The repository. */
export const root: string = path.resolve(import.meta.dirname, '../../..');

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/**/*.md',
  '{packages,apps,examples}/*/README.md',
  'apps/*/*/README.md',
] as const;

/** Every page of the documentation, from the root of the repository, in order. */
export function pages(): readonly string[] {
  return globSync(PAGES, { cwd: root }).sort();
}

export function textOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

/** What a link leads to within the repository. */
export interface Target {
  /** From the root of the repository: a page, another file, or a folder without a page. */
  readonly file: string;
  /** With its #, or empty. */
  readonly anchor: string;
}

/** Where a page's link leads; undefined if it leaves the repository. A link that leads nowhere throws. */
export function targetOf(page: string, link: string): Target | undefined {
  if (/^[a-z]+:/u.test(link)) return undefined;
  const [place = '', name] = link.split('#');
  const file = place === '' ? page : fileAt(path.posix.join(path.posix.dirname(page), decodeURI(place)));
  if (file === undefined) throw new Error(`${page}: ${link} leads to nothing`);
  if (name === undefined) return { file, anchor: '' };
  if (file.endsWith('.md') && !anchorsOf(textOf(file)).has(name)) throw new Error(`${page}: ${link}: no such heading`);
  return { file, anchor: `#${name}` };
}

/** What is wrong with the links of all pages, a line each. */
export function deadLinks(): readonly string[] {
  return pages().flatMap((page) => linksOf(textOf(page)).flatMap(({ target }) => problemOf(page, target)));
}

function problemOf(page: string, link: string): readonly string[] {
  try {
    targetOf(page, link);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function fileAt(place: string): string | undefined {
  const file = place.replace(/\/$/u, '');
  const full = path.join(root, file);
  if (file.startsWith('..') || !existsSync(full)) return undefined;
  if (!statSync(full).isDirectory()) return file;
  return existsSync(path.join(full, 'README.md')) ? path.posix.join(file, 'README.md') : file;
}
