import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const short = (name: string) => name.replace('@quorate/', '');
const isOurs = (name: string) => name.startsWith('@quorate/');

function manifests(folder: string): readonly Manifest[] {
  return readdirSync(path.join(root, folder)).map(
    (name) => JSON.parse(readFileSync(path.join(root, folder, name, 'package.json'), 'utf8')) as Manifest,
  );
}

const packages = manifests('packages');
const apps = [...manifests('apps'), ...manifests('examples')];

/** The foundations: what every adapter may import besides one engine. */
const FOUNDATIONS = ['core', 'lease', 'failure-detector'];
/** Who may import what, where it is not the rule for adapters. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  raft: [],
  'raft-host': ['core', 'raft'],
  memory: ['core'],
  simulator: ['core', 'memory'],
  testkit: ['core', 'memory', 'simulator'],
};
/** What an adapter stands on: at most one. */
const isEngine = (name: string) => name.startsWith('engine-') || name === 'raft-host';

function runtimeImports(manifest: Manifest): readonly string[] {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  return names.filter(isOurs).map(short);
}

describe.each(packages.map((manifest) => [short(manifest.name), manifest] as const))('%s', (name, manifest) => {
  it('imports only what its place allows', () => {
    const allowed = EXCEPTIONS[name];
    for (const imported of runtimeImports(manifest)) {
      if (allowed === undefined) expect(FOUNDATIONS.includes(imported) || isEngine(imported), imported).toBe(true);
      else expect(allowed, name).toContain(imported);
    }
    expect(runtimeImports(manifest).filter(isEngine).length).toBeLessThanOrEqual(1);
  });

  it('has core as a peer, so that a program has one copy', () => {
    if (['core', 'raft'].includes(name)) return expect(manifest.peerDependencies).toBeUndefined();
    expect(manifest.peerDependencies?.['@quorate/core']).toBe('workspace:^');
    expect(manifest.dependencies?.['@quorate/core']).toBeUndefined();
  });

  it('uses testkit for its tests only, and not below it', () => {
    expect(runtimeImports(manifest)).not.toContain('testkit');
    if (['core', 'memory', 'simulator'].includes(name)) {
      expect(Object.keys(manifest.devDependencies ?? {})).not.toContain('@quorate/testkit');
    }
  });

  it('imports what it declares, and nothing else of ours', () => {
    const declared = new Set(runtimeImports(manifest));
    const source = path.join(root, 'packages', name, 'src');
    for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const text = readFileSync(path.join(source, file), 'utf8').replaceAll(/\/\*[^]*?\*\//gu, '');
      for (const [, imported = ''] of text.matchAll(/from '@quorate\/([a-z-]+)/gu)) {
        expect(declared.has(imported), `${file} imports ${imported}`).toBe(true);
      }
    }
  });
});

describe('core and raft', () => {
  it('have no runtime dependency outside core', () => {
    for (const { name, dependencies } of packages) {
      if (['core', 'raft'].includes(short(name))) expect(Object.keys(dependencies ?? {})).toEqual([]);
    }
  });
});

describe('apps and examples', () => {
  it('are imported by nobody', () => {
    const names = new Set(apps.map(({ name }) => name));
    for (const { name, dependencies } of packages) {
      for (const imported of Object.keys(dependencies ?? {})) expect(names.has(imported), name).toBe(false);
    }
  });

  it('are private, but for the command line', () => {
    for (const { name, private: isPrivate } of apps) expect(isPrivate === true, name).toBe(name !== 'quorate');
  });
});
