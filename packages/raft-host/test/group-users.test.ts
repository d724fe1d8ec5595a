import { expect, it } from 'vitest';
import { MAX_PRIORITY } from '../src/group-options.ts';
import { GroupUsers } from '../src/group-users.ts';

it('of several that prefer somebody the last one counts that is left, whichever is disposed first', () => {
  const users = new GroupUsers({ running: undefined });
  const shown = () => ['a', 'b'].map((id) => users.preferenceFor(id) / (MAX_PRIORITY + 1));
  const first = users.prefer((id) => (id === 'a' ? 1 : 0));
  const second = users.prefer((id) => (id === 'b' ? 2 : 0));
  expect(shown()).toEqual([0, 2]);
  first[Symbol.dispose]();
  expect(shown()).toEqual([0, 2]);
  const third = users.prefer((id) => (id === 'a' ? 3 : 0));
  expect(shown()).toEqual([3, 0]);
  third[Symbol.dispose]();
  third[Symbol.dispose]();
  expect(shown()).toEqual([0, 2]);
  second[Symbol.dispose]();
  expect(shown()).toEqual([0, 0]);
});

it('a priority decides among those whom users want alike, and no more', () => {
  const users = new GroupUsers({ running: undefined }, { a: 1000, b: 5 });
  expect(['a', 'b', 'c'].map((id) => users.preferenceFor(id))).toEqual([1000, 5, 0]);
  users.prefer((id) => (id === 'a' ? 0 : 1));
  const [a = 0, b = 0, c = 0] = ['a', 'b', 'c'].map((id) => users.preferenceFor(id));
  expect(b).toBeGreaterThan(c);
  expect(c).toBeGreaterThan(a);
});
