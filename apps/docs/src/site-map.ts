import path from 'node:path';

/** The file in the site's sources for a page, another file or a folder of the repository. */
export function stagedAs(file: string): string {
  if (file === 'README.md') return 'index.md';
  if (file.startsWith('docs/') && file.endsWith('.md')) return file.slice('docs/'.length);
  if (file.endsWith('/README.md')) return `${path.posix.dirname(file)}.md`;
  if (file === 'docs/decisions') return 'decisions/index.md';
  if (file.endsWith('.md')) return file.toLowerCase();
  if (file.endsWith('.svg')) return file;
  return `source/${file}.md`;
}

/** How a page is named in another one. */
export function relativeLink(from: string, to: string): string {
  const link = path.posix.relative(path.posix.dirname(from), to);
  return link.startsWith('.') ? link : `./${link}`;
}
