import { expect, it } from 'vitest';
import { parseJson } from '../src/index.ts';

const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;

it.each(['1', '{"a":[1,{"b":null}],"__proto__":1}', nested(500), String.raw`"\\\"[[[[\\"`, `["${'['.repeat(600)}"]`])(
  'reads what JSON.parse reads: %#',
  (text) => expect(parseJson(text)).toEqual(JSON.parse(text)),
);

it.each(['', '{', '"', String.raw`"\\\"`, ']'.repeat(10)])('refuses what JSON.parse refuses: %j', (text) => {
  expect(() => parseJson(text)).toThrow(SyntaxError);
});

it('refuses what is nested too deeply before it is built', () => {
  expect(() => parseJson(nested(502))).toThrow('deeper than 500');
  expect(() => parseJson('[[1]]', 1)).toThrow('deeper than 1');
  expect(() => parseJson('[{'.repeat(8_000_000))).toThrow('deeper than 500');
});
