import path from 'node:path';
import { freePorts } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { budgets } from '../src/budgets.ts';
import { importAll, installedEntryPoints } from '../src/entry-points.ts';
import { measureLoaded, measurePacked } from '../src/footprint.ts';
import { filesIn, pack, type PackedPackage } from '../src/packed.ts';
import { Project } from '../src/project.ts';
import { readmeProgram, runReadmeCluster } from '../src/readme-cluster.ts';
import { build, readManifest, withTheirNeeds } from '../src/workspace.ts';

// What is asked of all packages, on other releases of Node.js too, is in packed.test.ts; it takes minutes.
describe('what the README says is enough', () => {
  const { packages } = readmeProgram();
  const project = new Project();
  let packed: readonly PackedPackage[] = [];

  beforeAll(async () => {
    await build();
    packed = await pack(
      withTheirNeeds([...packages, ...budgets.map(({ name }) => name)]),
      path.join(project.folder, 'packed'),
    );
    // Without the network: nothing of it needs anything that others publish.
    await project.install(packed, { online: false });
  }, 60_000);
  afterAll(() => project[Symbol.dispose](), 60_000);

  it('needs no other package of ours', () => {
    const needed = withTheirNeeds(packages).map(({ name }) => name);
    expect(needed.toSorted()).toEqual(packages.toSorted());
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

  it.each(budgets)('$name keeps to its budget', async ({ name, builtins, ...budget }) => {
    const found = packed.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} was not packed`);
    const loaded = await measureLoaded(project, process.execPath, name);
    const cost = { ...(await measurePacked(found)), loadedFiles: loaded.files, loadedBytes: loaded.bytes };
    for (const [what, is] of Object.entries(cost)) {
      const most = budget[what as keyof typeof cost];
      expect(is, `${what}: more is to be decided in budgets.ts`).toBeLessThanOrEqual(most);
      // A budget that is far above says nothing.
      expect(is, `${what}: the budget in budgets.ts can be lower`).toBeGreaterThan(0.75 * most);
    }
    expect(loaded.builtins).toEqual(builtins);
    const { dependencies, peerDependencies } = readManifest(path.join(project.folder, 'node_modules', name));
    expect({ ...dependencies, ...peerDependencies }).toEqual({});
  });
});
