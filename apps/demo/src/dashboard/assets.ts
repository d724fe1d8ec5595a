import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import path from 'node:path';

import { transformSync } from 'amaro';

export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const PAGE = path.join(import.meta.dirname, 'browser');
const JAVASCRIPT = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';

/** Each goes out as its package has it: they are modules that browsers read. */
const LIBRARIES: readonly (readonly [library: string, file: string])[] = [
  ['lit-html', 'lit-html.js'],
  ['lit-html', 'directive.js'],
  ['lit-html', 'directive-helpers.js'],
  ['lit-html', 'directives/repeat.js'],
  ['uplot', 'dist/uPlot.esm.js'],
  ['uplot', 'dist/uPlot.min.css'],
];

const IMPORT_MAP = JSON.stringify({
  imports: {
    'lit-html': './lit-html/lit-html.js',
    'lit-html/': './lit-html/',
    uplot: './uplot/dist/uPlot.esm.js',
  },
});

/**
 * All that browsers fetch, by its path below the dashboard's; read once. The page's modules are written in TypeScript
 * and lose their types here, each for itself, in some milliseconds in all: nothing is bundled.
 */
export function readAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const [library, file] of LIBRARIES) {
    assets.set(`${library}/${file}`, asset(read(libraryFile(library, file)), file.endsWith('.css') ? CSS : JAVASCRIPT));
  }
  for (const file of readdirSync(PAGE).filter((name) => name.endsWith('.ts'))) {
    assets.set(`page/${file}`, asset(withoutTypes(read(path.join(PAGE, file))), JAVASCRIPT));
  }
  assets.set('dashboard.css', asset(read(path.join(PAGE, 'dashboard.css')), CSS));
  assets.set('icon.svg', asset(read(path.join(PAGE, 'icon.svg')), 'image/svg+xml'));
  return assets;
}

/** The page itself, which differs from server to server in what its requests are recognized by. */
export function readPage(run: string, token: string): string {
  const marks: Readonly<Record<string, string>> = {
    RUN: run,
    TOKEN: token,
    IMPORT_MAP: `<script type="importmap">${IMPORT_MAP}</script>`,
  };
  return read(path.join(PAGE, 'index.html')).replaceAll(/\{\{([A-Z_]+)\}\}/g, (_, mark: string) => marks[mark] ?? '');
}

/** Nothing is loaded from elsewhere, no script but ours runs, and nobody frames the page. */
export const CONTENT_SECURITY_POLICY: string = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(IMPORT_MAP).digest('base64')}'`,
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

function withoutTypes(source: string): string {
  return transformSync(source, { mode: 'strip-only' }).code;
}

function libraryFile(library: string, file: string): string {
  const description = findPackageJSON(library, import.meta.url);
  if (description === undefined) throw new Error(`${library} is not installed`);
  return path.join(path.dirname(description), file);
}

function read(file: string): string {
  return readFileSync(file, 'utf8');
}

function asset(text: string, type: string): Asset {
  const body = Buffer.from(text);
  return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
