import { isClusterError, normalizeNodes } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { defineService, isListed, readServices } from '../src/service-instance.ts';

const node = { id: 'a', host: '10.9.0.1', port: 7_001 };
const definition = defineService(node, { service: 'orders', cluster: 'c', tags: ['blue'] });
const entry = (service: object, Node: object = {}) => ({ Service: { ...definition, ...service }, Node });
const listed = (...services: readonly object[]) => services.map((service) => entry(service));

describe('an answer of the health endpoint', () => {
  it('is read whatever it is', () => {
    const something = fc.anything({ withBigInt: true, withNullPrototype: true, maxDepth: 4 });
    const service = fc.record(
      {
        Address: something,
        Port: something,
        Meta: something,
        Weights: something,
        ModifyIndex: something,
        ID: something,
      },
      { requiredKeys: [] },
    );
    const entries = fc.array(
      fc.oneof(something, fc.record({ Service: fc.oneof(something, service), Node: something }, { requiredKeys: [] })),
    );
    fc.assert(
      fc.property(entries, (body) => {
        const { nodes, instances } = readServices(body, 'c');
        expect(instances).toBe(body.length);
        expect(nodes.length).toBeLessThanOrEqual(body.length);
        for (const good of normalizeNodes(nodes, { self: { ...node, id: 'self' }, onRefused: () => undefined })) {
          expect(good.port).toBeGreaterThan(0);
        }
        isListed(body, definition.ID, definition);
      }),
    );
    for (const body of [undefined, {}, 'x', 7]) {
      let error: unknown;
      try {
        readServices(body, 'c');
      } catch (reason) {
        error = reason;
      }
      expect(isClusterError(error, 'PROTOCOL')).toBe(true);
    }
    expect(readServices(null, 'c')).toEqual({ nodes: [], outdated: [], instances: 0 });
  });

  it('of an instance without an address is at its agent', () => {
    const body = [
      {
        Service: { ID: 'x', Address: '', Port: 80, Meta: null, Weights: { Passing: 3 } },
        Node: { Address: '10.9.0.8' },
      },
    ];
    expect(readServices(body, 'c').nodes).toEqual([{ host: '10.9.0.8', port: 80, weight: 3 }]);
  });

  it('names each id once, as it was registered last', () => {
    const body = listed(
      { ModifyIndex: 5 },
      { ModifyIndex: 9, Address: '10.9.0.2' },
      { ModifyIndex: 7, Address: '10.9.0.3' },
    );
    for (const order of [body, [...body].reverse()]) {
      const { nodes, outdated } = readServices(order, 'c');
      expect(nodes).toEqual([{ id: 'a', host: '10.9.0.2', port: 7_001 }]);
      expect([...outdated].sort()).toEqual(['a@10.9.0.1:7001', 'a@10.9.0.3:7001']);
    }
  });

  it('leaves out other clusters, and keeps what names none', () => {
    const stranger = entry({ Meta: { 'quorate-node': 'x', 'quorate-cluster': 'other' } });
    const plain = entry({ Meta: { rack: '7' }, Port: 7_009 });
    const { nodes, instances } = readServices([stranger, plain], 'c');
    expect(nodes).toEqual([{ host: '10.9.0.1', port: 7_009, metadata: { rack: '7' } }]);
    expect(instances).toBe(2);
  });
});

describe('an instance', () => {
  it('is listed when the catalog tells all of it', () => {
    const is = (service: object) => isListed(listed(service), definition.ID, definition);
    expect(is({})).toBe(true);
    expect(is({ Address: '10.9.0.2' })).toBe(false);
    expect(is({ Port: 1 })).toBe(false);
    expect(is({ Tags: null })).toBe(false);
    expect(is({ Meta: {} })).toBe(false);
    expect(is({ Meta: { ...definition.Meta, more: 'x' } })).toBe(true);
    expect(is({ Meta: { ...definition.Meta, 'quorate-zone': 'x' } })).toBe(false);
    expect(is({ ID: 'other' })).toBe(false);
    expect(isListed([], definition.ID, undefined)).toBe(true);
    expect(isListed(listed({}), definition.ID, undefined)).toBe(false);
  });

  it.each([
    [undefined, 1],
    [0, 1],
    [0.4, 1],
    [2.5, 3],
    [1e9, 65_535],
  ])('of weight %j has %i in DNS', (weight, passing) => {
    const whole = weight === undefined ? node : { ...node, weight };
    expect(defineService(whole, { service: 's', cluster: 'c', tags: [] }).Weights.Passing).toBe(passing);
  });
});
