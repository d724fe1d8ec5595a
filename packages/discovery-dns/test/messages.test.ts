import { type ClusterError, isClusterError } from '@quorate/core';
import { seededRandom } from '@quorate/simulator';
import { type Answer, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type DnsResponse, newQuery, type Query, readResponse } from '../src/dns-message.ts';
import { a, cname, srv } from './zone-server.ts';

const query = newQuery({ name: 'nodes.test', type: 'SRV' }, seededRandom(1, 'query'), { edns: true });

function answer(answers: readonly Answer[], flags = 0): Uint8Array {
  return encode({
    type: 'response',
    id: query.id,
    flags,
    questions: [{ name: 'NODES.test', type: 'SRV' }],
    answers: [...answers],
    authorities: [{ type: 'SOA', name: 'test', ttl: 9, data: { mname: 'a.test', rname: 'b.test', minimum: 7 } }],
    additionals: [
      a('n.test', '10.0.0.1'),
      a('n.test', 'fd00::1'),
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

const good = answer([
  srv('nodes.test', { target: 'n.test', port: 1, priority: 2, weight: 3 }, 60),
  cname('x.test', 'y.test'),
  { type: 'TXT', name: 'nodes.test', data: 'text' },
  { type: 'MX', name: 'nodes.test', data: { exchange: 'mail.test' } },
]);

/** The response, or the code of the refusal: nothing else may come of any bytes. */
function outcomeOf(bytes: Uint8Array, of: Query = query): DnsResponse | string {
  try {
    return readResponse(of, bytes);
  } catch (error) {
    expect(isClusterError(error, 'PROTOCOL')).toBe(true);
    return (error as ClusterError).code;
  }
}

function checkBounds(outcome: DnsResponse | string): void {
  if (typeof outcome === 'string') return;
  for (const record of [...outcome.answers, ...outcome.authorities, ...outcome.additionals]) {
    expect(record.ttlSeconds).toBeGreaterThanOrEqual(0);
    expect(record.ttlSeconds).toBeLessThanOrEqual(0x7f_ff_ff_ff);
    if (record.type === 'A') expect(record.address).toMatch(/^(?:\d{1,3}\.){3}\d{1,3}$/u);
    if (record.type === 'AAAA') expect(record.address).toMatch(/^[0-9a-f:]+$/u);
    if (record.type === 'SRV')
      expect([record.port, record.priority, record.weight].every((n) => n <= 0xffff)).toBe(true);
  }
}

describe('a response', () => {
  it('is read, without what is of no use here', () => {
    expect(outcomeOf(good)).toEqual({
      rcode: 0,
      isTruncated: false,
      isAuthoritative: false,
      hasEdns: true,
      answers: [
        { type: 'SRV', name: 'nodes.test', ttlSeconds: 60, target: 'n.test', port: 1, priority: 2, weight: 3 },
        { type: 'CNAME', name: 'x.test', ttlSeconds: 0, target: 'y.test' },
      ],
      authorities: [{ type: 'SOA', name: 'test', ttlSeconds: 7 }],
      additionals: [
        { type: 'A', name: 'n.test', ttlSeconds: 0, address: '10.0.0.1' },
        { type: 'AAAA', name: 'n.test', ttlSeconds: 0, address: 'fd00::1' },
      ],
    });
  });

  it('has a TTL of 0 where the TTL is none, and no records of other classes', () => {
    const odd = answer([
      srv('nodes.test', { target: '.', port: 1 }, 0xff_ff_ff_ff),
      { type: 'A', name: 'nodes.test', data: '10.0.0.1', class: 'CH' },
    ]);
    expect(outcomeOf(odd)).toMatchObject({ answers: [{ target: '', ttlSeconds: 0 }] });
  });

  it('is refused when it is cut short, unless it says that it is', () => {
    for (let length = 0; length < good.length; length += 1)
      expect(outcomeOf(good.subarray(0, length))).toBe('PROTOCOL');
    const truncated = answer([], 1 << 9);
    const cut = outcomeOf(truncated.subarray(0, truncated.length - 5));
    expect(cut).toMatchObject({ isTruncated: true, answers: [] });
  });

  it('may be anything: it is read or refused, and what is read is bounded', () => {
    const mutation = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
    const mutated = fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), (mutations) => {
      const bytes = good.slice();
      for (const { at, byte } of mutations) bytes[at] = byte;
      checkBounds(outcomeOf(bytes));
    });
    fc.assert(mutated, { numRuns: 5_000 });
    const header = Uint8Array.of(query.id >> 8, query.id & 0xff, 0x80, 0, 0, 1);
    const random = fc.property(fc.uint8Array({ maxLength: 300 }), (rest) => {
      checkBounds(outcomeOf(Uint8Array.of(...header, ...rest)));
    });
    fc.assert(random, { numRuns: 2_000 });
  });

  it('is refused when its names are pointers to pointers, which take long to follow', () => {
    expect(() => readResponse(query, pointers({ run: 8_000 }))).toThrow('pointers to pointers');
    expect(() => readResponse(query, pointers({ run: 9 }))).toThrow('pointers to pointers');
    // All of it was read before it is noticed that there is no question.
    expect(() => readResponse(query, pointers({ run: 8 }))).toThrow('it answers another question');
  });
});

/** One record whose data are pointers, each to the one before, and then records whose names are the last of them. */
function pointers({ run }: { readonly run: number }): Uint8Array {
  const [first, chain, end] = [12, 24, 0x40_00];
  const bytes = new Uint8Array(65_532);
  const view = new DataView(bytes.buffer);
  bytes.set(Uint8Array.of(query.id >> 8, query.id & 0xff, 0x80, 0, 0, 0));
  view.setUint16(6, 1 + (bytes.length - end) / 12);
  view.setUint16(first + 1, 0xff_01);
  view.setUint16(first + 9, end - first - 11);
  for (let at = chain; at < chain + 2 * run; at += 2) view.setUint16(at, 0xc0_00 | (at === chain ? first : at - 2));
  for (let at = end; at < bytes.length; at += 12) view.setUint16(at, 0xc0_00 | (chain + 2 * run - 2));
  return bytes;
}

describe('a query', () => {
  it('is short, asks for recursion, and speaks EDNS unless told not to', () => {
    const plain = newQuery(query.question, seededRandom(2, 'query'), { edns: false });
    expect([query.bytes.length, plain.bytes.length]).toEqual([39, 28]);
    expect([query.bytes[2], plain.bytes[2], query.bytes.at(-8)]).toEqual([1, 1, 1232 >> 8]);
  });
});
