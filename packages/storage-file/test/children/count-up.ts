/**
 * Opens the storage in the directory given and counts the record `counter` up for ever, printing each number once it is
 * acknowledged. With `hold`, only holds the directory.
 */
import { silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '../../src/index.ts';
import { tell } from './tell.ts';

const [directory = '', hold] = process.argv.slice(2);
const storage = fileStorage({ directory }).create({ ...nodeSystem({ logger: silentLogger }), nodeId: 'a' });
await storage.open();
const stored = await storage.records.read('counter');
let counter = stored === undefined ? 0 : Number(new TextDecoder().decode(stored));
tell(`${counter}`);
if (hold === 'hold') process.stdin.resume();
else {
  for (;;) {
    counter += 1;
    await storage.records.write('counter', new TextEncoder().encode(String(counter)));
    // Synchronous: what was acknowledged is told before the next write begins.
    tell(`${counter}`);
  }
}
