import type { Disk } from '@quorate/core';
import { discoveryContract } from '@quorate/testkit';
import { describe, it } from 'vitest';

import { fileDiscovery } from '../src/file-discovery.ts';

const path = '/nodes.json';

/** As whoever keeps the file should: a reader sees the old one or the new one. */
async function replace(disk: Disk, text: string): Promise<void> {
  const file = await disk.open('/nodes.json.new', { create: true });
  await file.truncate(0);
  await file.write([new TextEncoder().encode(text)], 0);
  await file.close();
  await disk.rename('/nodes.json.new', path);
}

discoveryContract(
  { describe, it },
  {
    name: 'discovery-file',
    supports: { registration: false, watch: 'poll', createIfAbsent: false },
    source: ({ disk }) => disk,
    create: () => fileDiscovery({ path }),
    publish: (disk, nodes) => replace(disk, JSON.stringify(nodes)),
    publishRaw: (disk, entries) => replace(disk, JSON.stringify(entries)),
    breakSource: (disk) => replace(disk, '[{ "host": '),
    refuses: { factory: fileDiscovery, options: [{ path: undefined }, { path: 'nodes.json' }, { intervalMs: 0 }] },
  },
);
