/**
 * Opens the log in the directory given and appends to three groups for ever, several appends at a time, printing each
 * acknowledgement: group, last index and state.
 */
import { encodeBatch, type GroupLog, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '../../src/index.ts';
import { tell } from './tell.ts';

const [directory = ''] = process.argv.slice(2);
const plugin = fileStorage({ directory, log: { segmentBytes: 256 * 1024 } });
const storage = plugin.create({ ...nodeSystem({ logger: silentLogger }), nodeId: 'a' });
await storage.open();
const { log } = storage;
if (log === undefined) throw new Error('no log');
await log.open();
tell('open');

/** The data of an entry is its index, so that whoever reads it knows what it must be. */
async function append(group: GroupLog, first: number): Promise<void> {
  const count = 1 + (first % 5);
  const entries = Array.from({ length: count }, (_, at) => {
    const data = new TextEncoder().encode(`${group.id}:${first + at}`.padEnd((first * 37) % 600, '.'));
    return { index: first + at, term: 1, kind: 0, data };
  });
  const state = first % 7 === 0 ? { state: new TextEncoder().encode(String(first)) } : {};
  await group.append([encodeBatch(entries)], state);
  // Synchronous: what was acknowledged is told before anything else happens.
  tell(`${group.id} ${first + count - 1}`);
}

async function run(group: GroupLog): Promise<void> {
  let next = group.lastIndex + 1;
  for (;;) {
    const appends: Promise<void>[] = [];
    for (let depth = 0; depth < 3; depth += 1) {
      appends.push(append(group, next));
      next += 1 + (next % 5);
    }
    await Promise.all(appends);
    if (group.lastIndex - group.firstIndex > 2000) await group.truncatePrefix(group.lastIndex - 100, 1);
  }
}

await Promise.all([1, 2, 3].map((id) => run(log.group(id))));
