import { configDefaults, defineConfig } from 'vitest/config';

// Tests run from source: the private export condition leads every @quorate import to a package's src.
const conditions = ['@quorate/source', 'node', 'import', 'module', 'default'];

/** What starts servers and processes, or breaks the source on purpose. */
const apart = ['**/test/real/**/*.test.ts', '**/test/**/*{kill,mutants,processes}*.test.ts'];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    pool: 'forks',
    // More than cores: many tests wait for processes and servers.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'apart',
          include: [...apart, '{apps,examples}/*/test/**/*.test.ts', '{bench,servers}/test/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'together',
          include: ['packages/*/test/**/*.test.ts', 'scenarios/test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...apart],
          // They leave nothing behind, since all that they change is handed in: so one process imports the source once, for many files.
          isolate: false,
        },
      },
    ],
  },
});
