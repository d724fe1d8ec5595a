import { type ClusterNode, isClusterNode } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMeta, encodeMeta } from '../src/service-meta.ts';

const text = fc.string({ unit: 'binary', maxLength: 700 });
const words = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('rack', 'quorate-node', 'consul-x', '__proto__')),
  text,
  { maxKeys: 60 },
);
const nodes = fc
  .record(
    {
      id: fc.constant('a'),
      host: fc.constant('h'),
      port: fc.constant(1),
      zone: text,
      region: text,
      weight: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      metadata: words,
    },
    { requiredKeys: ['id', 'host', 'port'] },
  )
  .filter((node) => isClusterNode(node));

describe('metadata of a service', () => {
  it('is what Consul takes, and tells all of a node', () => {
    fc.assert(
      fc.property(nodes, (node: ClusterNode) => {
        const meta = encodeMeta(node, 'orders');
        const pairs = Object.entries(meta);
        expect(pairs.length).toBeLessThanOrEqual(64);
        for (const [name, value] of pairs) {
          expect(name).toMatch(/^(?!consul-)[A-Za-z0-9_-]{1,128}$/u);
          expect(new TextEncoder().encode(value).byteLength).toBeLessThanOrEqual(512);
          expect(value.isWellFormed()).toBe(true);
        }
        // An empty set of metadata is as good as none.
        const { metadata = {}, host: _, port: __, ...rest } = node;
        const { metadata: told = {}, ...others } = decodeMeta(JSON.parse(JSON.stringify(meta)) as typeof meta);
        // JSON has no -0.
        expect({ ...others, metadata: told }).toEqual({
          ...rest,
          ...(rest.weight === undefined ? {} : { weight: rest.weight + 0 }),
          metadata,
        });
      }),
    );
  });

  it('of the largest nodes fits', () => {
    const many = Object.fromEntries(Array.from({ length: 700 }, (_, at) => [`k${at}`, '']));
    const large = { big: 'ü'.repeat(3_950) };
    const escaped = { big: '"'.repeat(3_950) };
    for (const metadata of [many, large, escaped]) {
      const node: ClusterNode = {
        id: 'a'.repeat(128),
        host: 'h',
        port: 1,
        zone: 'z',
        region: 'r',
        weight: 1,
        metadata,
      };
      expect(isClusterNode(node)).toBe(true);
      const meta = encodeMeta(node, 'c');
      expect(Object.keys(meta).length).toBeLessThanOrEqual(64);
      expect(decodeMeta(meta).metadata).toEqual(metadata);
    }
  });

  it('with half a pair of surrogates, which no UTF-8 holds, comes back as it was', () => {
    const metadata = { half: 'x\ud800y', rack: '7' };
    const meta = encodeMeta({ id: 'a', host: 'h', port: 1, metadata }, 'c');
    expect(Object.values(meta).every((value) => value.isWellFormed())).toBe(true);
    expect(decodeMeta(meta)).toEqual({ id: 'a', metadata });
  });

  it('of anybody is read without a fault', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(fc.string(), fc.constantFrom('quorate-rest-0', 'quorate-rest-1', 'quorate-weight')),
          fc.oneof(fc.string(), fc.json(), fc.anything()),
        ),
        (meta) => {
          expect(decodeMeta(meta)).toBeTypeOf('object');
        },
      ),
    );
    expect(decodeMeta({ 'quorate-node': 'a', 'quorate-rest-0': '{"metadata":', rack: '7' })).toEqual({
      id: 'a',
      metadata: { rack: '7' },
    });
    expect(decodeMeta({ 'quorate-rest-0': '{"metadata":7}' })).toEqual({});
    expect(decodeMeta({ 'quorate-rest-0': '[]' })).toEqual({});
  });
});
