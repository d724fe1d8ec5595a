import type { Random } from '@quorate/core';
import type { Lie } from './lying-server.ts';
import { mutate, oneOf } from './mutations.ts';

/** Values at which readers of JSON have gone wrong. */
const VALUES: readonly string[] = [
  'null',
  'true',
  '-1',
  '1e400',
  '9007199254740993',
  '""',
  '[]',
  '{}',
  '[null]',
  '[[[]]]',
  String.raw`"\ud800"`,
  String.raw`"\u0000\n\u001b[2J\u202e"`,
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":1,"toJSON":1,"length":4294967295}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `{"a":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
];
const PIECE = new Uint8Array(256 * 1024).fill(0x61);
const HEAD_200 = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD_200}Transfer-Encoding: chunked\r\n\r\n`;

/** Answers that are no good whatever was asked. */
const FIXED: readonly Lie[] = [
  { bytes: text(`${CHUNKED}ZZ\r\n`), ending: 'waits' },
  { bytes: text(`${CHUNKED}2\r\n{}\r\nffffffffffffffffff\r\n`), ending: 'waits' },
  { bytes: text(`${HEAD_200}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`), ending: 'waits' },
  { bytes: text(`${HEAD_200}Content-Length: -1\r\n\r\n{}`), ending: 'waits' },
  { bytes: text(`${HEAD_200}Content-Length: 9007199254740993\r\n\r\n{`), ending: 'ends' },
  { bytes: text(`${HEAD_200}X: \u0000\r\n\r\n`), ending: 'ends' },
  { bytes: text(HEAD_200), ending: text('X: y\r\n'.repeat(1000)) },
  { bytes: text('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'), ending: 'waits' },
  { bytes: text('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx'), ending: 'waits' },
  { bytes: text('HTTP/1.1 204 No Content\r\n\r\n{}'), ending: 'ends' },
  { bytes: text('HTTP/1.1 999 \r\nContent-Length: 2\r\n\r\n{}'), ending: 'ends' },
  { bytes: text('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)), ending: 'ends' },
  { bytes: text('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\u001f{'), ending: 'ends' },
  { bytes: text(''), ending: 'ends' },
  { bytes: text(''), ending: 'resets' },
  { bytes: text(`${HEAD_200}\r\n`), ending: 'ends' },
];

/** Answers that have no end; they take longer. */
export const ENDLESS: readonly Lie[] = [
  { bytes: text(`${HEAD_200}\r\n{"kind":"`), ending: PIECE },
  { bytes: text(`HTTP/1.1 500 No\r\n\r\n`), ending: PIECE },
  { bytes: text(`${HEAD_200}\r\n`), ending: new Uint8Array(256 * 1024).fill(0x5b) },
];

/** A lie about what an honest server would have answered with one of these: alike, of another form, or cut off. */
export function httpLie(random: Random, honest: readonly { readonly head: string; readonly body: string }[]): Lie {
  const { head, body } = oneOf(random, honest);
  switch (random.int(6)) {
    case 0:
      return oneOf(random, FIXED);
    case 1:
      return { bytes: mutate(random, text(answer(head, body))), ending: oneOf(random, ['ends', 'resets']) };
    case 2:
      return { bytes: text(answer(head, body).slice(0, random.int(head.length + body.length))), ending: 'ends' };
    case 3:
      return { bytes: text(answer(head, oneOf(random, VALUES))), ending: 'waits' };
    case 4:
      return { bytes: text(answer(head, oneOf(random, honest).body)), ending: 'waits' };
    default:
      return { bytes: text(answer(head, withValue(random, body))), ending: 'waits' };
  }
}

function answer(head: string, body: string): string {
  return `HTTP/1.1 ${head}Content-Length: ${new TextEncoder().encode(body).length}\r\n\r\n${body}`;
}

/** The same, but for one of its values. */
function withValue(random: Random, body: string): string {
  const values = [...body.matchAll(/"[^"]*"(?!\s*:)|\b\d+\b|\bnull\b/gu)];
  const value = values[random.int(Math.max(1, values.length))];
  if (value === undefined) return oneOf(random, VALUES);
  return body.slice(0, value.index) + oneOf(random, VALUES) + body.slice(value.index + value[0].length);
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
