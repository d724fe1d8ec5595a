import { expect, it } from 'vitest';

import { MAX_NEIGHBOURS, Neighbours } from '../src/neighbours.ts';

const from = (session: string, sequence: number) =>
  ({ session, sequence, message: { kind: 'ask', withinMs: 0 } }) as const;
const node = (id: string, port = 1) => ({ id, host: 'h', port });

it('remembers no more than its limit, and says that it knows not all', () => {
  const neighbours = new Neighbours(2);
  for (let at = 0; at < MAX_NEIGHBOURS; at += 1) neighbours.announced(from('s', 1), node(`n${at}`, at + 1), 10, 0);
  expect(neighbours.announced(from('s', 1), node('late', 9_999), 10, 0)).toBe('full');
  expect(neighbours.announced(from('s', 2), node('n0'), 10, 0)).toBe('known');
  expect([neighbours.nodes.length, neighbours.complete]).toEqual([MAX_NEIGHBOURS, false]);
  expect(neighbours.expire(20)).toBe(true);
  expect([neighbours.nodes.length, neighbours.complete]).toEqual([0, true]);
  expect(neighbours.announced(from('s', 1), node('n5'), 10, 30)).toBe('repeated');
});

it('hears a goodbye that comes before what was said before it', () => {
  const neighbours = new Neighbours(2);
  expect(neighbours.saidGoodbye(from('s', 5), 'a')).toBe(false);
  expect(neighbours.announced(from('s', 4), node('a'), 10, 0)).toBe('repeated');
  expect(neighbours.announced(from('s', 6), node('a'), 10, 0)).toBe('new');
  expect(neighbours.saidGoodbye(from('s', 5), 'a')).toBe(false);
  expect(neighbours.saidGoodbye(from('s', 7), 'a')).toBe(true);
});

it('takes a node at another address for another hint, until the former is silent too long', () => {
  const neighbours = new Neighbours(2);
  neighbours.announced(from('s', 1), node('a', 1), 10, 0);
  neighbours.announced(from('t', 1), node('a', 2), 10, 15);
  expect(neighbours.nodes).toEqual([node('a', 2), node('a', 1)]);
  neighbours.expire(20);
  expect(neighbours.nodes).toEqual([node('a', 2)]);
});

it('counts no time in which nothing could be heard', () => {
  const neighbours = new Neighbours(2);
  neighbours.announced(from('s', 1), node('a'), 10, 0);
  neighbours.postpone(100);
  expect(neighbours.expire(119)).toBe(false);
  expect(neighbours.expire(120)).toBe(true);
});
