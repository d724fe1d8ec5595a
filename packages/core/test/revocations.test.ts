import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isClusterError } from '../src/cluster-error.ts';
import { readDer } from '../src/node/der.ts';
import { isWholePem, pemBlocks, pemBytes } from '../src/node/pem.ts';
import { Revocations } from '../src/node/revocations.ts';

/** DER of an element; lengths up to 65,535. */
function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >>> 8, length & 0xff];
  return new Uint8Array([...head, ...content]);
}

const sequence = (...contents: readonly Uint8Array[]) => der(0x30, ...contents);
const integer = (...bytes: readonly number[]) => der(0x02, Uint8Array.from(bytes));
const time = der(0x17, new TextEncoder().encode('261121220253Z'));
const algorithm = sequence(der(0x06, Uint8Array.of(0x2a, 0x86)));
const named = (name: string) => sequence(der(0x31, der(0x0c, new TextEncoder().encode(name))));

function listOf(authority: string, serials: readonly (readonly number[])[], hasNext = true): string {
  const entries = serials.map((serial) => sequence(integer(...serial), time));
  const revoked = entries.length === 0 ? [] : [sequence(...entries)];
  const extensions = der(0xa0, sequence(sequence()));
  const list = sequence(
    integer(1),
    algorithm,
    named(authority),
    time,
    ...(hasNext ? [time] : []),
    ...revoked,
    extensions,
  );
  const whole = Buffer.from(sequence(list, algorithm, der(0x03, Uint8Array.of(0))));
  return `-----BEGIN X509 CRL-----\n${whole.toString('base64')}\n-----END X509 CRL-----\n`;
}

function certificateOf(authority: string, serial: readonly number[]): Uint8Array {
  const version = der(0xa0, integer(2));
  return sequence(sequence(version, integer(...serial), algorithm, named(authority), sequence(time, time)), algorithm);
}

describe('lists of revoked certificates', () => {
  const text = `${listOf('one', [[1], [0x7f, 0xff]])}words between\n${listOf('two', [[2]], false)}${listOf('none', [])}`;
  const revocations = new Revocations(text);

  it.each<[string, readonly number[], boolean]>([
    ['one', [1], true],
    ['one', [0x7f, 0xff], true],
    ['two', [2], true],
    ['one', [2], false],
    ['two', [1], false],
    ['none', [1], false],
  ])('count for their own authority: %s, %j, %j', (authority, serial, expected) => {
    expect(revocations.has(certificateOf(authority, serial))).toBe(expected);
  });

  it('of noise are CORRUPT, or empty, and nothing else', () => {
    const attempt = (call: () => unknown) => {
      try {
        call();
        return true;
      } catch (error) {
        return isClusterError(error, 'CORRUPT');
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(100), fc.nat(255), (bytes, at, to) => {
        const block = Buffer.from(bytes).toString('base64');
        expect(attempt(() => new Revocations(`-----BEGIN X509 CRL-----\n${block}\n-----END X509 CRL-----`))).toBe(true);
        expect(attempt(() => readDer(bytes))).toBe(true);
        const altered = certificateOf('one', [1]);
        altered[at % altered.length] = to;
        expect(attempt(() => revocations.has(altered))).toBe(true);
      }),
    );
  });
});

it('PEM texts are cut into blocks of one kind', () => {
  const block = (kind: string, body: string) => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----`;
  const text = `subject=a\n${block('CERTIFICATE', 'AAEC')}\n${block('X509 CRL', 'AwQF')}\r\n${block('CERTIFICATE', 'Bg==')}`;
  expect(pemBlocks(text, 'CERTIFICATE').map(pemBytes)).toEqual([Uint8Array.of(0, 1, 2), Uint8Array.of(6)]);
  expect(pemBlocks(text, 'X509 CRL').map(pemBytes)).toEqual([Uint8Array.of(3, 4, 5)]);
  expect(pemBlocks('noise', 'CERTIFICATE')).toEqual([]);
  expect([text, '', 'noise'].map(isWholePem)).toEqual([true, true, true]);
  expect([text.slice(0, -2), text.replace('AwQF', 'A*QF'), text.slice(0, 40)].map(isWholePem)).toEqual([
    false,
    false,
    false,
  ]);
});
