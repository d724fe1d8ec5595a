import path from 'node:path';
import { freePorts } from '@quorate/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { COMPILERS, compilerPackages, typeErrors } from '../src/consumer-types.ts';
import { importAll, importingModule, installedEntryPoints } from '../src/entry-points.ts';
import { filesIn, pack, type PackedPackage } from '../src/packed.ts';
import { Project } from '../src/project.ts';
import { readmeProgram, runReadmeCluster } from '../src/readme-cluster.ts';
import { fetchRuntime, RELEASES, type Runtime } from '../src/runtimes.ts';
import { build, publishedPackages } from '../src/workspace.ts';

const INSTALL_MS = 300_000;
/** With two compilers on a busy machine. */
const COMPILE_MS = 240_000;

const isWanted = process.env['QUORATE_PACKED'] === 'all';
if (!isWanted)
  console.log('skipped: every package as it is packed, on every Node.js (QUORATE_PACKED=all; it takes minutes)');

describe.skipIf(!isWanted)('every package, as it is packed', () => {
  const packages = publishedPackages();
  const names = packages.map(({ name }) => name);
  const project = new Project();
  const scratch = path.join(project.folder, 'scratch');
  let packed: readonly PackedPackage[] = [];

  beforeAll(async () => {
    await build();
    packed = await pack(packages, path.join(scratch, 'packed'));
    await project.install([...packed, ...compilerPackages, '@types/node@22']);
  }, INSTALL_MS);
  afterAll(() => project[Symbol.dispose](), INSTALL_MS);

  const specifiers = () => installedEntryPoints(project, names).map(({ specifier }) => specifier);

  it('has what its manifest names, a licence and a page, and maps only of sources that are there', async () => {
    for (const found of packed) {
      const files = await filesIn(found);
      const all = [...files.keys()];
      expect(all, found.name).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
      expect(all.filter((file) => /\.test\.|^test\/|tsbuildinfo|tsconfig|node_modules/u.test(file))).toEqual([]);
      for (const map of all.filter((file) => /^dist\/.*\.map$/u.test(file))) {
        expect(all, `${found.name}: ${map}`).toContain(
          map.replace(/^dist/u, 'src').replace(/(?:\.d\.ts|\.js)\.map$/u, '.ts'),
        );
      }
    }
  });

  describe.each(RELEASES)('on Node.js %i', (release) => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await fetchRuntime(release, scratch);
      expect(runtime.version).toMatch(new RegExp(`^v${release}\\.`, 'u'));
      console.log(`Node.js ${runtime.version}`);
    }, INSTALL_MS);

    it('is imported by each of its names', async () => {
      const found = await importAll(project, runtime.node, specifiers());
      expect(Object.keys(found)).toEqual(specifiers());
      for (const [specifier, count] of Object.entries(found)) expect(count, specifier).toBeGreaterThan(0);
    });

    it('forms the cluster of the README', async () => {
      expect(['a', 'b', 'c']).toContain(await runReadmeCluster(project, runtime.node, await freePorts(3)));
    }, 90_000);
  });

  const compilers = Object.keys(COMPILERS) as (keyof typeof COMPILERS)[];
  describe.each(compilers)('with TypeScript %s', (compiler) => {
    it.each(['nodenext', 'bundler'] as const)(
      'has the right types by %s',
      async (resolution) => {
        project.write('all.ts', importingModule(specifiers()));
        project.write('readme.ts', readmeProgram().code);
        expect(await typeErrors(project, compiler, resolution, ['all.ts', 'readme.ts'])).toBe('');
        // The compiler has looked: what is not there is missed.
        project.write(
          'wrong.ts',
          "import { thatIsNotThere } from '@quorate/core';\nexport const found = thatIsNotThere;\n",
        );
        expect(await typeErrors(project, compiler, resolution, ['wrong.ts'])).toContain('TS2305');
      },
      COMPILE_MS,
    );
  });
});
