import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { HeartbeatScene } from './heartbeat-scene.ts';

const SECONDS = 10;

/** Messages and bytes a second, of all nodes together, at the default interval. */
async function measure(nodes: number): Promise<{ readonly messages: number; readonly bytes: number }> {
  const scene = new HeartbeatScene(`${nodes} nodes`);
  scene.start(...Array.from({ length: nodes }, (_, at) => `n${at}`));
  await scene.whole(120_000);
  await scene.world.run(2_000);
  const [messages, bytes] = [scene.sent, scene.sentBytes];
  await scene.world.run(SECONDS * 1_000);
  return { messages: (scene.sent - messages) / SECONDS, bytes: (scene.sentBytes - bytes) / SECONDS };
}

const show = (value: number): string => Math.round(value).toLocaleString('en');

describe('what heartbeats between all nodes cost', () => {
  it('is what the README says, and grows with the square', async () => {
    const rows: string[] = [];
    for (const nodes of [3, 5, 10, 20, 50]) {
      const { messages, bytes } = await measure(nodes);
      expect(messages).toBe(nodes * (nodes - 1));
      rows.push(`| ${nodes} | ${show(messages)} | ${show(messages / nodes)} | ${show(bytes / nodes)} |`);
    }
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    // A difference is the new table: see whether it is right, and take it over.
    expect(/<!-- costs -->\n\n(?:[^\n]*\n){2}(.*?)\n\n<!-- end of costs -->/su.exec(readme)?.[1]).toBe(rows.join('\n'));
  });
});
