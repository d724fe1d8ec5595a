import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { publishedPackages, readManifest, root } from '../src/workspace.ts';

describe('the manifests of what is published', () => {
  const packages = publishedPackages();

  it.each(packages)('say what a registry and its users have to know: $name', ({ manifest }) => {
    expect(manifest).toMatchObject({
      license: 'MIT',
      type: 'module',
      // A bundler may leave out whatever is not used.
      sideEffects: false,
      engines: { node: '>=22.13' },
      publishConfig: { access: 'public', provenance: true },
      description: expect.stringMatching(/^.{20,160}$/u),
      keywords: expect.arrayContaining([expect.any(String)]),
      // Maps and declarations lead to the sources.
      files: expect.arrayContaining(['dist', 'src']),
    });
    expect(manifest.exports).toMatchObject({ './package.json': './package.json' });
  });

  it('have one version, with that of the command line', () => {
    const versions = [...packages.map(({ manifest }) => manifest), readManifest(path.join(root, 'apps/cli'))];
    expect(new Set(versions.map(({ version }) => version)).size).toBe(1);
    const config = JSON.parse(readFileSync(path.join(root, '.changeset/config.json'), 'utf8')) as { fixed: unknown };
    expect(config.fixed).toEqual([['@quorate/*', 'quorate']]);
  });
});

describe('the workflow of a release', () => {
  interface Step {
    readonly run?: string;
    readonly uses?: string;
  }
  const { jobs } = parse(readFileSync(path.join(root, '.github/workflows/release.yml'), 'utf8')) as {
    readonly jobs: { readonly publish: { readonly permissions: object; readonly steps: readonly Step[] } };
  };
  const commands = jobs.publish.steps.flatMap(({ run }) => run ?? []);

  it('publishes last, once everything is checked, with provenance', () => {
    expect(commands.at(-1)).toContain('publish --access public --provenance');
    expect(commands.indexOf('npm test')).toBeGreaterThanOrEqual(0);
    expect(jobs.publish.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
  });

  it('runs the pnpm that the repository names', () => {
    const { packageManager } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      readonly packageManager: string;
    };
    const used = commands.flatMap((command) => command.match(/pnpm@[\d.]+/gu) ?? []);
    expect(used.length).toBeGreaterThan(0);
    expect(new Set(used)).toEqual(new Set([packageManager]));
  });
});
