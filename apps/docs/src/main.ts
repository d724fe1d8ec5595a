import path from 'node:path';
import { parseArgs } from 'node:util';

import { build, serve } from 'vitepress';

import { writeApi } from './api.ts';
import { stage } from './stage.ts';

const site = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    port: { type: 'string', default: '4173' },
  },
});

const pages = path.join(site, 'dist/pages');
stage(pages);
await writeApi(path.join(pages, 'api'));
await build(site);
console.log(`The documentation is in ${path.relative(process.cwd(), path.join(site, 'dist/site'))}.`);
if (values.serve) await serve({ root: site, port: Number(values.port) });
