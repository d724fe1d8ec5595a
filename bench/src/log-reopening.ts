/** Opens the log in the directory given, and tells how long it took and how much memory. */
import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';

import { rounded } from './benchmark.ts';

const plugin = fileStorage({ directory: process.argv[2] ?? '' });
const before = process.resourceUsage().maxRSS;
const storage = plugin.create({ ...nodeSystem({ logger: silentLogger }), nodeId: 'bench' });
const begin = performance.now();
await storage.open();
await storage.log?.open();
const ms = performance.now() - begin;
const peak = process.resourceUsage().maxRSS;
const entries = storage.log?.group(1).lastIndex ?? 0;
process.send?.({
  ms: rounded(ms),
  entries,
  peak_rss_mb: rounded(peak / 1024),
  before_rss_mb: rounded(before / 1024),
});
await storage[Symbol.asyncDispose]();
