import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { linksOf, titleOf, withLinks } from './markdown.ts';
import { pages, root, targetOf, textOf } from './pages.ts';
import { relativeLink, stagedAs } from './site-map.ts';

/**
 * Writes the sources of the site: every page with its links made to lead within the site, and what the pages link to, source files and
 * folders, as pages too: so that nothing has to be fetched from elsewhere.
 */
export function stage(out: string): void {
  rmSync(out, { recursive: true, force: true });
  const known = new Set<string>(pages());
  // The set grows while it is walked: a folder's page leads to its files.
  for (const file of known) for (const linked of stageOne(file, out)) known.add(linked);
}

/** Writes one, and returns what it links to. */
function stageOne(file: string, out: string): readonly string[] {
  const to = path.join(out, stagedAs(file));
  mkdirSync(path.dirname(to), { recursive: true });
  if (file.endsWith('.svg')) {
    copyFileSync(path.join(root, file), to);
    return [];
  }
  const text = pageOf(file);
  const linkingFrom = file.endsWith('.md') ? file : path.posix.join(file, 'index');
  const resolve = (link: string) => targetOf(linkingFrom, link);
  writeFileSync(
    to,
    withLinks(text, (link) => {
      const target = resolve(link);
      return target === undefined ? link : relativeLink(stagedAs(file), stagedAs(target.file)) + target.anchor;
    }),
  );
  return linksOf(text).flatMap(({ target }) => resolve(target)?.file ?? []);
}

function pageOf(file: string): string {
  // Comments are for the tests that write parts of a page; the site shows Markdown alone, and would show them.
  if (file.endsWith('.md')) return textOf(file).replaceAll(/^<!--.*-->$/gmu, '');
  return statSync(path.join(root, file)).isDirectory() ? folderPage(file) : sourcePage(file);
}

function sourcePage(file: string): string {
  const language =
    { '.ts': 'ts', '.mts': 'ts', '.yaml': 'yaml', '.json': 'json', '.sh': 'sh' }[path.extname(file)] ?? '';
  return `---\nsearch: false\neditLink: false\n---\n# ${file}\n\n\`\`\`\`${language}\n${textOf(file)}\`\`\`\`\n`;
}

function folderPage(folder: string): string {
  const lines = readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `- [${name.endsWith('.md') ? titleOf(textOf(`${folder}/${name}`)) : name}](${name})`);
  return `---\nsearch: false\n---\n# ${folder}\n\n${lines.join('\n')}\n`;
}
