import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClusterNode,
  formatAddress,
  formatNode,
  isAddress,
  isClusterError,
  isClusterNode,
  isElectorate,
  isLoopback,
  isNodeId,
  majorityOf,
  MAX_NODE_BYTES,
  parseAddress,
  parseNode,
  sameNode,
} from '../src/index.ts';

const alphanumeric = fc.constantFrom('a', 'b', 'X', '0', '9');
const inner = fc.constantFrom('a', 'X', '0', '9', '.', '_', '-');
const nodeId = fc
  .tuple(alphanumeric, fc.string({ unit: inner, maxLength: 60 }), alphanumeric)
  .map((parts) => parts.join(''));
const hostName = fc.domain().filter((host) => host.length < 200);
const host = fc.oneof(fc.ipV4(), fc.ipV6(), hostName);
const port = fc.integer({ min: 0, max: 0xffff });

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return isClusterError(error) ? error.code : String(error);
  }
}

describe('the text form of addresses and nodes', () => {
  it('gives back every address', () => {
    const back = fc.property(host, port, (host, port) => {
      expect(parseAddress(formatAddress({ host, port }))).toEqual({ host, port });
    });
    fc.assert(back);
  });

  it('gives back every node', () => {
    const back = fc.property(nodeId, host, port, (id, host, port) => {
      expect(parseNode(formatNode({ id, host, port }))).toEqual({ id, host, port });
    });
    fc.assert(back);
  });

  it('never throws anything but INVALID_ADDRESS, whatever the text', () => {
    const any = fc.property(fc.string(), (text) => {
      expect([undefined, 'INVALID_ADDRESS']).toContain(codeOf(() => parseNode(text)));
      expect([undefined, 'INVALID_ADDRESS']).toContain(codeOf(() => parseAddress(text)));
    });
    fc.assert(any);
  });

  it.each(['', 'host', 'host:', ':1', 'host:65536', 'host:1:2', '::1:80', '[::1]', '[::1]80', 'a b:1', '-a:1', 'a:1 '])(
    'refuses %j',
    (text) => expect(codeOf(() => parseAddress(text))).toBe('INVALID_ADDRESS'),
  );

  it.each(['@host:1', 'a@', 'a@host', '-a@host:1', 'a@b@host:1'])('refuses the node %j', (text) => {
    expect(codeOf(() => parseNode(text))).toBe('INVALID_ADDRESS');
  });

  it('reads IPv6 with brackets and a zone', () => {
    expect(parseAddress('[fe80::1%eth0]:7001')).toEqual({ host: 'fe80::1%eth0', port: 7001 });
    expect(formatNode({ id: 'a', host: '::1', port: 7001 })).toBe('a@[::1]:7001');
  });

  it('knows loopback by its text', () => {
    for (const host of ['localhost', '::1', '127.0.0.1', '127.9.9.9']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '10.0.0.1', '128.0.0.1', 'localhost.example.com'])
      expect(isLoopback(host)).toBe(false);
  });
});

describe('values from outside', () => {
  const node: ClusterNode = { id: 'a', host: 'example.com', port: 1 };

  it('tells node ids', () => {
    expect(isNodeId('a'.repeat(128))).toBe(true);
    for (const bad of ['', 'a'.repeat(129), '.a', 'a-', 'a b', 'ä', 1, undefined]) expect(isNodeId(bad)).toBe(false);
  });

  it('takes anything without throwing', () => {
    const any = fc.property(fc.anything(), (value) => {
      isAddress(value);
      isClusterNode(value);
      isElectorate(value);
    });
    fc.assert(any);
  });

  it('tells nodes, whatever else they carry', () => {
    const cyclic: Record<string, unknown> = { ...node };
    cyclic['itself'] = cyclic;
    expect(isClusterNode(cyclic)).toBe(true);
    expect(isClusterNode({ ...node, metadata: { rack: 1 } })).toBe(false);
    expect(isClusterNode({ ...node, weight: -1 })).toBe(false);
    expect(isClusterNode({ ...node, zone: 1 })).toBe(false);
  });

  it('bounds a node in bytes, not in characters', () => {
    expect(isClusterNode({ ...node, metadata: { text: 'x'.repeat(MAX_NODE_BYTES / 2) } })).toBe(true);
    expect(isClusterNode({ ...node, metadata: { text: '€'.repeat(MAX_NODE_BYTES / 2) } })).toBe(false);
  });

  it('compares nodes by what they say, not by the order they say it in', () => {
    expect(sameNode({ ...node, metadata: { a: '1', b: '2' } }, { ...node, metadata: { b: '2', a: '1' } })).toBe(true);
    expect(sameNode(node, { ...node, metadata: {} })).toBe(true);
    expect(sameNode(node, { ...node, zone: 'z' })).toBe(false);
  });

  it('takes an electorate only in its normal form', () => {
    expect(isElectorate({ generation: 1, voters: ['a', 'b'] })).toBe(true);
    for (const voters of [[], ['b', 'a'], ['a', 'a'], ['-'], 'a']) {
      expect(isElectorate({ generation: 1, voters })).toBe(false);
    }
    expect(isElectorate({ generation: 0, voters: ['a'] })).toBe(false);
  });

  it('counts majorities such that any two share a voter', () => {
    const sizes = [1, 2, 3, 4, 5].map((size) => ({ generation: 1, voters: Array.from({ length: size }, String) }));
    expect(sizes.map(majorityOf)).toEqual([1, 2, 2, 3, 3]);
  });
});
