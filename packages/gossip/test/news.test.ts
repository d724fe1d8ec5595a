import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeExchange, encodeExchange } from '../src/exchange.ts';
import { decodeValue, encodeValue } from '../src/gossip-value.ts';
import { MAX_EXCHANGE_BYTES } from '../src/limits.ts';
import { decodeNews, encodeNews, type News } from '../src/news.ts';
import { anyNews } from './arbitraries.ts';

const times = { settings: 1, broadcasts: 2, queries: 3 };

describe('what goes over the wire', () => {
  it('news comes as it went', () => {
    fc.assert(
      fc.property(anyNews, (news) => {
        expect(decodeNews(encodeNews(news))).toEqual(news);
      }),
    );
  });

  it('values come as they went', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = encodeValue('test', 'value', value as never);
        expect(JSON.stringify(decodeValue(bytes))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('random bytes, and what was altered, never throw, and what is made of them can be told', () => {
    const altered = fc.tuple(anyNews, fc.nat(), fc.nat({ max: 255 })).map(([news, at, byte]) => {
      const bytes = encodeNews(news);
      bytes[at % bytes.byteLength] = byte;
      return at % 3 === 0 ? bytes.subarray(0, at % bytes.byteLength) : bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), altered), (bytes) => {
        const news = decodeNews(bytes);
        if (news !== undefined) expect(decodeNews(encodeNews(news))).toEqual(news);
        decodeExchange(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('an exchange comes as it went, and one that breaks off as far as it came', () => {
    fc.assert(
      fc.property(fc.array(anyNews, { maxLength: 10 }), fc.nat(), (news, cut) => {
        const bytes = encodeExchange(times, news);
        expect(decodeExchange(bytes)).toEqual({ times, news });
        const begun = decodeExchange(bytes.subarray(0, cut % bytes.byteLength));
        expect(
          begun === undefined || begun.news.every((each, at) => encodeNews(each).length > 0 && at < news.length),
        ).toBe(true);
      }),
    );
  });

  it('what is told of does not get larger by coming in an exchange, except for answers', () => {
    const payload = encodeValue('test', 'value', 'x'.repeat(600));
    const mark = { origin: 'a', session: 1, sequence: 1 };
    const large: readonly News[] = [
      { type: 'state', nodeId: 'a', run: 1, counter: 1, key: 'k', value: payload },
      { type: 'setting', key: 'k', time: 1, writer: 'a', value: payload, ageMs: 0 },
      { type: 'broadcast', mark, time: 1, name: 'n', payload },
      { type: 'query', mark, time: 1, timeoutMs: 1, name: 'n', filter: {}, payload },
      { type: 'answer', mark, from: 'a', isFailure: false, payload },
    ];
    const read = decodeExchange(encodeExchange(times, large))?.news.map(({ type }) => type);
    expect(read).toEqual(['answer']);
  });

  it('an exchange has its limit, in both directions', () => {
    const value = encodeValue('test', 'value', 'x'.repeat(400));
    const many = Array.from({ length: 1_000 }, (_, counter) => {
      return { type: 'state', nodeId: 'a', run: 1, counter, key: 'k', value } as const;
    });
    const bytes = encodeExchange(times, many);
    expect(bytes.byteLength).toBeLessThanOrEqual(MAX_EXCHANGE_BYTES);
    expect(decodeExchange(bytes)?.news.length).toBeGreaterThan(500);
    expect(decodeExchange(new Uint8Array(MAX_EXCHANGE_BYTES + 1).fill(1))).toBeUndefined();
  });
});
