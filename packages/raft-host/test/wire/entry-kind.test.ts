import { expect, it } from 'vitest';
import { kindOf, typeOf } from '../../src/wire/entry-kind.ts';

it('an entry of any kind has the type under which consensus knows it', () => {
  expect((['normal', 'conf-change', 'conf-change-v2'] as const).map(kindOf)).toEqual([0, 1, 2]);
  expect([0, 1, 2, 3, 255].map(typeOf)).toEqual(['normal', 'conf-change', 'conf-change-v2', 'normal', 'normal']);
});
