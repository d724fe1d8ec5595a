import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { Application } from 'typedoc';
// What its options are called, beside TypeDoc's own.
import type { PluginOptions } from 'typedoc-plugin-markdown';

import { root } from './pages.ts';

/** One entry point of a published package. */
export interface EntryPoint {
  /** As it is imported. */
  readonly name: string;
  readonly file: string;
}

/** Everything that the published packages export, in order. */
export function entryPoints(): readonly EntryPoint[] {
  const folder = path.join(root, 'packages');
  const packages = readdirSync(folder).filter((name) => existsSync(path.join(folder, name, 'package.json')));
  return packages.toSorted().flatMap((name) => entryPointsOf(path.join(folder, name)));
}

/**
 * Writes a page for each entry point. Throws where a link leads to nothing, a comment names what isn't there, or something public
 * has no comment at all: what it is, is said on the way.
 */
export async function writeApi(out: string): Promise<void> {
  const all = entryPoints();
  const markdown: Partial<PluginOptions> = { hideBreadcrumbs: true, hidePageHeader: true, entryFileName: 'index' };
  const app = await Application.bootstrapWithPlugins({
    ...markdown,
    plugin: ['typedoc-plugin-markdown'],
    name: 'API',
    entryPoints: all.map(({ file }) => file),
    tsconfig: path.join(root, 'tsconfig.json'),
    // The one that checks types is newer than the one that TypeDoc stands on.
    skipErrorChecking: true,
    router: 'module',
    outputs: [{ name: 'markdown', path: out }],
    readme: 'none',
    disableSources: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    packagesRequiringDocumentation: all.map(({ name }) => name),
    validation: { invalidLink: true, notDocumented: true, notExported: false },
    requiredToBeDocumented: ['Class', 'Enum', 'Interface', 'TypeAlias', 'Variable'],
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('there is no API to be documented');
  const names = new Map(
    all.map(({ name, file }) => [path.relative(path.join(root, 'packages'), path.dirname(file)), name]),
  );
  for (const module of project.children ?? []) module.name = names.get(module.name) ?? module.name;
  app.validate(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('the API is not documented as it should be');
  await app.generateOutputs(project);
}

function entryPointsOf(folder: string): readonly EntryPoint[] {
  const { name, exports } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, string | { readonly '@quorate/source'?: string }>>;
  };
  return Object.entries(exports).flatMap(([entry, target]) => {
    const source = typeof target === 'string' ? undefined : target['@quorate/source'];
    return source === undefined ? [] : [{ name: path.posix.join(name, entry), file: path.join(folder, source) }];
  });
}
