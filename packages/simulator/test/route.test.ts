import { expect, it } from 'vitest';

import { createWorld, type Host, type World } from '../src/index.ts';

/** A world of two hosts, and a function that sends a message from one to the other. */
function wired(options = {}): {
  world: World;
  a: Host;
  b: Host;
  log: string[];
  send: (text: string, lossy: boolean) => void;
} {
  const world = createWorld({ seed: 1, ...options });
  const a = world.host('a');
  const b = world.host('b');
  a.start(() => undefined);
  b.start(() => undefined);
  const log: string[] = [];
  const reset = () => log.push('reset');
  const send = (text: string, lossy: boolean) => {
    const from = { host: a.address, port: 1 };
    const to = { host: b.address, port: 1 };
    world.route({ from, to, bytes: text.length, lossy, deliver: () => log.push(text), reset });
  };
  return { world, a, b, log, send };
}

it('drops one-way messages at a block, and holds the others back, in order', async () => {
  const { world, a, b, log, send } = wired();
  world.block(a, b);
  send('lossy', true);
  for (const text of ['1', '2', '3']) send(text, false);
  await world.run(1000);
  expect(log).toEqual([]);
  world.unblock(a, b);
  await world.run(1000);
  expect(log).toEqual(['1', '2', '3']);
});

it('resets the sender when a block lasts too long', async () => {
  const { world, a, b, log, send } = wired();
  world.block(a, b);
  send('1', false);
  await world.run(14_900);
  expect(log).toEqual([]);
  await world.run(200);
  expect(log).toEqual(['reset']);
  world.heal();
  await world.run(1000);
  expect(log).toEqual(['reset']);
});

it('never hands a message for one process to the next one there', async () => {
  const { world, b, log, send } = wired({ link: { latencyMs: 10, jitterMs: 0 } });
  send('for the first', false);
  await world.run(5);
  b.crash({ powerLoss: true });
  b.restart();
  await world.run(100);
  expect(log).toEqual(['reset']);
});

it('keeps the order of what may not be lost, whatever the link does', async () => {
  const link = { latencyMs: 1, jitterMs: 20, loss: 0.3, duplicate: 0.3, reorder: 0.3 };
  const { world, log, send } = wired({ link });
  const texts = Array.from({ length: 100 }, (_, at) => `${at}`);
  for (const text of texts) send(text, false);
  await world.run(10_000);
  expect(log).toEqual(texts);
});

it('delivers nothing to a process while it is paused', async () => {
  const { world, b, log, send } = wired();
  await world.run(1);
  b.pause();
  send('1', false);
  send('2', true);
  await world.run(1000);
  expect(log).toEqual([]);
  b.resume();
  await world.run(1);
  expect(log).toEqual(['1', '2']);
});
