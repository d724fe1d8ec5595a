import path from 'node:path';
import { freePorts } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { importAll, installedEntryPoints } from '../src/entry-points.ts';
import { filesIn, pack, type PackedPackage } from '../src/packed.ts';
import { Project } from '../src/project.ts';
import { readmeProgram, runReadmeCluster } from '../src/readme-cluster.ts';
import { build, withTheirNeeds } from '../src/workspace.ts';

// What is asked of all packages, on other releases of Node.js too, is in packed.test.ts; it takes minutes.
describe('what the README says is enough', () => {
  const { packages } = readmeProgram();
  const project = new Project();
  let packed: readonly PackedPackage[] = [];

  beforeAll(async () => {
    await build();
    packed = await pack(withTheirNeeds(packages), path.join(project.folder, 'packed'));
    // Without the network: nothing of it needs anything that others publish.
    await project.install(packed, { online: false });
  }, 60_000);
  afterAll(() => project[Symbol.dispose]());

  it('needs no other package of ours', () => {
    expect(packed.map(({ name }) => name).toSorted()).toEqual(packages.toSorted());
  });

  it('is packed with a licence, a page about it, and nothing of its tests', async () => {
    for (const found of packed) {
      const files = [...(await filesIn(found)).keys()];
      expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']));
      expect(files.filter((file) => /test|tsbuildinfo|tsconfig/u.test(file))).toEqual([]);
    }
  });

  it('is imported by every name', async () => {
    const specifiers = installedEntryPoints(project, packages).map(({ specifier }) => specifier);
    expect(specifiers).toContain('@quorate/core/node');
    const found = await importAll(project, process.execPath, specifiers);
    expect(Object.keys(found)).toEqual(specifiers);
    for (const [specifier, names] of Object.entries(found)) expect(names, specifier).toBeGreaterThan(0);
  });

  it('forms a cluster of three processes that elect a leader', async () => {
    expect(['a', 'b', 'c']).toContain(await runReadmeCluster(project, process.execPath, await freePorts(3)));
  });
});
