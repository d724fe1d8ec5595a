import fc from 'fast-check';
import { expect, it } from 'vitest';

import { type Datagram, decodeDatagram, encodeDatagram, type Message } from '../src/datagram.ts';
import { checksumSeal, secretSeal } from '../src/seal.ts';

const secret = secretSeal(['one secret for all']);
const seals = fc.constantFrom(secret, checksumSeal);
const id = fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/u);
const node = fc.record({ id, host: id, port: fc.integer({ min: 1, max: 65_535 }) });
const duration = fc.integer({ min: 0, max: 60_000 });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant('announce' as const), node, intervalMs: duration }),
  fc.record({ kind: fc.constant('ask' as const), withinMs: duration }),
  fc.record({ kind: fc.constant('goodbye' as const), id }),
);
const datagram: fc.Arbitrary<Datagram> = fc.record({
  session: fc.stringMatching(/^[0-9a-f]{16}$/u),
  sequence: fc.nat(),
  message,
});

it('what is said is what is heard', () => {
  fc.assert(
    fc.property(datagram, seals, (said, seal) => {
      expect(decodeDatagram(encodeDatagram(said, 'c', seal), 'c', seal)).toEqual(said);
    }),
  );
});

it('a datagram with any bit changed, or cut short, is not read', () => {
  fc.assert(
    fc.property(datagram, seals, fc.nat(), fc.integer({ min: 0, max: 7 }), (said, seal, at, bit) => {
      const bytes = encodeDatagram(said, 'c', seal);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      expect(typeof decodeDatagram(bytes, 'c', seal)).toBe('string');
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      expect(typeof decodeDatagram(bytes.subarray(0, index), 'c', seal)).toBe('string');
    }),
  );
});

it('no bytes make the reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), seals, (bytes, seal) => {
      expect(typeof decodeDatagram(bytes, 'c', seal)).toBe('string');
    }),
  );
});

it.each<[string, unknown]>([
  ['announce', {}],
  ['announce', { node: null, intervalMs: 1 }],
  ['announce', { node: { id: 'a', host: 'h', port: 0 }, intervalMs: 1 }],
  ['announce', { node: { id: '../a', host: 'h', port: 1 }, intervalMs: 1 }],
  ['announce', { node: { id: 'a', host: 'h', port: 1 }, intervalMs: 60_001 }],
  ['announce', { node: { id: 'a', host: 'h', port: 1 }, intervalMs: -1 }],
  ['announce', { node: { id: 'a', host: 'h', port: 1 }, intervalMs: 'soon' }],
  ['announce', { node: { id: 'a', host: 'h', port: 1, metadata: { a: 1 } }, intervalMs: 1 }],
  ['ask', {}],
  ['goodbye', { id: 7 }],
  ['nothing', {}],
])('what is no message is not read, whoever signed it: %s %j', (kind, content) => {
  const said = { session: '00'.repeat(8), sequence: 1, message: { kind, ...(content as object) } as Message };
  expect(decodeDatagram(encodeDatagram(said, 'c', secret), 'c', secret)).toBe('malformed');
});

it('tells a stranger from another cluster, and from whoever has another secret', () => {
  const said: Datagram = { session: '00'.repeat(8), sequence: 1, message: { kind: 'ask', withinMs: 1 } };
  const bytes = encodeDatagram(said, 'c', secret);
  expect(decodeDatagram(bytes, 'd', secret)).toBe('otherCluster');
  expect(decodeDatagram(bytes, 'c', secretSeal(['another secret here']))).toBe('unauthenticated');
  expect(decodeDatagram(bytes, 'c', checksumSeal)).toBe('unauthenticated');
  expect(decodeDatagram(encodeDatagram(said, 'c', checksumSeal), 'c', secret)).toBe('unauthenticated');
  const later = encodeDatagram(said, 'c', secret);
  later[4] = 2;
  expect(decodeDatagram(later, 'c', secret)).toBe('otherVersion');
  expect(decodeDatagram(new TextEncoder().encode('a datagram of something else'), 'c', secret)).toBe('foreign');
});
