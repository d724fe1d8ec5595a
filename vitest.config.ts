import { defineConfig } from 'vitest/config';

// Tests run from source: the private export condition leads every @quorate import to a package's src.
const conditions = ['@quorate/source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['{packages,apps,examples}/*/test/**/*.test.ts', '{bench,scenarios,servers}/test/**/*.test.ts'],
    pool: 'forks',
    // More than cores: many tests wait for processes and servers.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
