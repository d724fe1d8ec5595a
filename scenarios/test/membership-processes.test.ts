import { expect, it } from 'vitest';
import { ProcessMembers } from '../src/membership-processes/process-members.ts';

const BOUND_MS = 60_000;

it('eight processes form, with a secret, and see one that is killed', { timeout: 3 * BOUND_MS }, async () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  await using members = new ProcessMembers({ secret: 'what only these nodes know' });
  await members.load(ids, 4, BOUND_MS);
  const seedNodes = await members.begin(['a'], [], BOUND_MS);
  await members.begin(ids.slice(1), seedNodes, BOUND_MS);
  await members.until('all to see all', () => members.allSee(ids, 'alive'), BOUND_MS);
  members.kill('c');
  await members.until('all to see it gone', () => members.allSee(['c'], 'unreachable'), BOUND_MS);
  const others = ids.filter((id) => id !== 'c');
  expect(members.allSee(others, 'alive')).toBe(true);
  const samples = await members.samples(BOUND_MS);
  expect(samples.every(({ datagrams, streamBytes }) => datagrams > 0 && streamBytes > 0)).toBe(true);
});
