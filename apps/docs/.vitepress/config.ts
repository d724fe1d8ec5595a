import { defineConfig } from 'vitepress';

import { entryPoints } from '../src/api.ts';
import { slugOf } from '../src/markdown.ts';
import { sidebar } from '../src/sidebar.ts';

export default defineConfig({
  title: 'Quorate',
  description: 'Clustering for Node.js in parts that compose',
  srcDir: 'dist/pages',
  outDir: 'dist/site',
  cacheDir: 'dist/cache',
  // Pages are plain Markdown, the same as where the code is read: `Promise<void>` is no element.
  markdown: { html: false, anchor: { slugify: slugOf } },
  themeConfig: {
    nav: [
      { text: 'First cluster', link: '/first-cluster' },
      { text: 'Architecture', link: '/architecture' },
    ],
    sidebar: sidebar(entryPoints().map(({ name }) => ({ text: name, link: `/api/${name}` }))),
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
