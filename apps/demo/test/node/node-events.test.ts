import { expect, it } from 'vitest';
import type { NodeEvent } from '../../src/http/node-event.ts';
import { NodeEvents } from '../../src/node/node-events.ts';

it('shows what others have said, and lets it do nothing to a terminal, a log or a page', () => {
  const told: NodeEvent[] = [];
  const events = new NodeEvents();
  events.on((event) => told.push(event));
  events.tell('refused', `it is of \u001B[2J\nall is well\r${'x'.repeat(10_000)}`);
  expect(told[0]?.text).toMatch(/^it is of [^\p{Cc}]*all is well/u);
  expect(told[0]?.text).not.toMatch(/\p{Cc}/u);
  expect(told[0]?.text.length).toBeLessThan(600);
});
