import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { PublishedMessage } from '../../src/dashboard/dashboard-events.ts';
import { PersonMessages } from '../../src/dashboard/person-messages.ts';
import { oneNode } from '../http/one-node.ts';
import type { OneNode } from '../http/one-node.ts';
import type { Said } from '../http/said.ts';

let broker: OneNode;
let messages: PersonMessages;
/** What was shown of the newest message, each once. */
let shown: PublishedMessage['state'][];

beforeEach(async () => {
  broker = await oneNode();
  shown = [];
  // The first of them is not there: the next one is asked.
  const nodes = [
    { id: 'gone', url: 'http://127.0.0.1:1' },
    { id: 'a', url: broker.node.url },
  ];
  messages = new PersonMessages({ nodes: () => nodes }, () => {
    const state = messages.all.messages[0]?.state;
    if (state !== undefined && state !== shown.at(-1)) shown.push(state);
  });
});
afterEach(async () => {
  messages[Symbol.dispose]();
  await broker[Symbol.asyncDispose]();
});

async function queue(name: string): Promise<Said> {
  const { body } = await broker.call('GET', `/v1/queues/${name}`);
  return body;
}

test('a message is published by the node that answers, and seen to be consumed', async () => {
  await messages.publish({ text: 'Grüße', priority: 4, delayMs: 0 });
  await expect.poll(() => shown.at(-1), { timeout: 10_000 }).toBe('acknowledged');
  expect(shown).toEqual(['sending', 'accepted', 'delivered', 'acknowledged']);
  const [message] = messages.all.messages;
  expect(message).toMatchObject({ text: 'Grüße', state: 'acknowledged' });
  expect(message?.steps.map(({ what }) => what)).toEqual([
    'accepted by a as number 1',
    'delivered by a, attempt 1',
    'acknowledged',
  ]);
  expect(await queue('dashboard')).toMatchObject({ accepted: 1, acknowledged: 1, ready: 0, inFlight: 0 });
});

test('a message that is rejected comes again, and ends among the dead letters', async () => {
  messages.consume('reject');
  await messages.publish({ text: 'bad', priority: 9, delayMs: 0 });
  await expect.poll(() => shown.at(-1), { timeout: 15_000 }).toBe('dead');
  const steps = messages.all.messages[0]?.steps.map(({ what }) => what) ?? [];
  expect(steps.filter((what) => what.startsWith('delivered'))).toHaveLength(3);
  expect(await queue('dashboard')).toMatchObject({ deadLettered: 1, deliveries: 3 });
  expect(await queue('dashboard-dead')).toMatchObject({ ready: 1 });
});

test('while the consumer is away messages wait, and by their priority', async () => {
  messages.consume('nothing');
  await messages.publish({ text: 'last', priority: 0, delayMs: 0 });
  await messages.publish({ text: 'first', priority: 9, delayMs: 0 });
  expect(await queue('dashboard')).toMatchObject({ ready: 2, deliveries: 0 });
  messages.consume('acknowledge');
  await expect
    .poll(() => messages.all.messages.map(({ state }) => state), { timeout: 10_000 })
    .toEqual(['acknowledged', 'acknowledged']);
  const at = (text: string): number =>
    messages.all.messages.find((message) => message.text === text)?.steps.at(-1)?.afterMs ?? 0;
  expect(at('first')).toBeLessThan(at('last'));
});

test('what comes too late is not shown as done', async () => {
  let receives = 0;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      const { id = '' } = (JSON.parse(text) as { messages?: { id: string }[] }).messages?.[0] ?? {};
      if (id !== '') published = id;
      const path = request.url ?? '';
      if (path.endsWith('/receive')) receives += 1;
      const deliveries = receives === 1 ? [{ receipt: '1.1', id: published, attempt: 1 }] : [];
      const said = { messages: [{ sequence: 1 }], deliveries, settled: ['unknown-receipt'] };
      setTimeout(() => response.end(JSON.stringify(said)), path.endsWith('/receive') ? 50 : 0);
    });
  });
  let published = '';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  using late = new PersonMessages({ nodes: () => [{ id: 'a', url }] }, () => undefined);
  await late.publish({ text: 'x', priority: 4, delayMs: 0 });
  await expect.poll(() => late.all.messages[0]?.steps.length, { timeout: 10_000 }).toBe(3);
  expect(late.all.messages[0]).toMatchObject({ state: 'delivered' });
  server.close();
});
