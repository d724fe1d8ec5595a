import { type ClusterNode, isClusterNode, normalizeNodes } from '@quorate/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { decodeNode, encodeNode } from '../src/node-record.ts';

const PREFIX = '/quorate/test/nodes/';
const self = { id: 'self', host: '10.0.0.9', port: 7_009 };

const nodes: fc.Arbitrary<ClusterNode> = fc.record(
  {
    id: fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?$/u),
    host: fc.ipV4(),
    port: fc.integer({ min: 1, max: 65_535 }),
    zone: fc.string(),
    region: fc.string(),
    weight: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }).map((weight) => weight + 0),
    metadata: fc.dictionary(fc.string(), fc.string()),
  },
  { requiredKeys: ['id', 'host', 'port'] },
);

/** What is left of an entry when a discovery has cleaned it. */
function cleaned(key: string, value: Uint8Array) {
  return normalizeNodes([decodeNode({ key, value }, PREFIX)], { self, onRefused: () => undefined });
}

it('a node is read as it was written', () => {
  fc.assert(
    fc.property(nodes, (node) => {
      fc.pre(isClusterNode(node));
      expect(decodeNode({ key: PREFIX + node.id, value: encodeNode(node) }, PREFIX)).toEqual(node);
    }),
  );
});

it('whatever bytes are at a key, they are a node that can be dialled or are left out', () => {
  const values = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record({
        format: fc.anything(),
        id: fc.anything(),
        host: fc.anything(),
        port: fc.anything(),
        metadata: fc.anything(),
      })
      .map((record) =>
        new TextEncoder().encode(JSON.stringify(record, (_, part: unknown) => (typeof part === 'bigint' ? 1 : part))),
      ),
  );
  fc.assert(
    fc.property(values, fc.string(), (value, id) => {
      for (const node of cleaned(PREFIX + id, value)) {
        expect(isClusterNode(node)).toBe(true);
        expect(node.id).toBe(id);
      }
    }),
  );
});

const record = { id: 'a', host: '10.0.0.1', port: 7_001 };

it.each<[unknown, RegExp]>([
  [[], /not an object in JSON/u],
  [null, /not an object in JSON/u],
  ['text', /not an object in JSON/u],
  [{ ...record, format: 2 }, /a format that is not known/u],
  [{ ...record, id: 'b' }, /another id than its key/u],
  [{ ...record, port: 0 }, /not the description of a node/u],
  [{ ...record, port: '7001' }, /not the description of a node/u],
  [{ ...record, host: 'a b' }, /not the description of a node/u],
  [{ ...record, metadata: { a: 1 } }, /not the description of a node/u],
  [{ ...record, metadata: { a: 'x'.repeat(17_000) } }, /bytes are no node/u],
])('leaves out %j, with its key and why', (value, problem) => {
  const key = `${PREFIX}a`;
  const refused = decodeNode({ key, value: new TextEncoder().encode(JSON.stringify(value)) }, PREFIX);
  expect(refused).toEqual({ key, problem: expect.stringMatching(problem) as string });
});

it('takes what people write by hand: the address alone, and fields of later versions', () => {
  const value = new TextEncoder().encode('{"host":"10.0.0.1","port":7001,"colour":"red","priority":-1}');
  expect(cleaned(`${PREFIX}a`, value)).toEqual([record]);
});
