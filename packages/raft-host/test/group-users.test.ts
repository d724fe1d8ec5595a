import { expect, it } from 'vitest';
import { GroupUsers } from '../src/group-users.ts';

it('of several that prefer somebody the last one counts that is left, whichever is disposed first', () => {
  const users = new GroupUsers(() => undefined);
  const shown = () => ['a', 'b'].map((id) => users.preferenceFor(id));
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
