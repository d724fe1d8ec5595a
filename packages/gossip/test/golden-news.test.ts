import { describe, expect, it } from 'vitest';
import { decodeExchange, encodeExchange } from '../src/exchange.ts';
import { encodeValue } from '../src/gossip-value.ts';
import { decodeNews, encodeNews, type News } from '../src/news.ts';

const mark = { origin: 'node-1', session: 2 ** 40 + 1, sequence: 258 };
const payload = encodeValue('test', 'value', { a: 'č' });

/** What every release that speaks version 1 writes and reads, byte for byte. */
const golden: Readonly<Record<string, readonly [News, hex: string]>> = {
  'state of a node': [
    { type: 'state', nodeId: 'a', run: 1, counter: 2, key: 'load', value: payload },
    '0101016100000000000000010000000000000002046c6f6164000b017b2261223a22c48d227d',
  ],
  'the beginning of a run': [
    { type: 'state', nodeId: 'a', run: 2 ** 40 + 1, counter: 0, key: '', value: new Uint8Array() },
    '0101016100000100000000010000000000000000000000',
  ],
  'a setting': [
    { type: 'setting', key: 'ключ', time: 3, writer: 'a', value: payload, ageMs: 0 },
    '010208d0bad0bbd18ed18700000000000000030161000b017b2261223a22c48d227d0000000000000000',
  ],
  'a setting that was removed': [
    { type: 'setting', key: 'k', time: 3, writer: 'a', value: new Uint8Array(), ageMs: 65_536 },
    '0102016b0000000000000003016100000000000000010000',
  ],
  'a broadcast': [
    { type: 'broadcast', mark, time: 4, name: 'n', payload },
    '0103066e6f64652d31000001000000000100000000000001020000000000000004016e000b017b2261223a22c48d227d',
  ],
  'a query': [
    { type: 'query', mark, time: 4, timeoutMs: 5000, name: 'n', filter: { zone: 'z' }, payload },
    '0104066e6f64652d310000010000000001000000000000010200000000000000040000000000001388016e000c7b227a6f6e65223a227a227d000b017b2261223a22c48d227d',
  ],
  'an answer': [
    { type: 'answer', mark, from: 'b', isFailure: false, payload },
    '0105066e6f64652d3100000100000000010000000000000102016200000b017b2261223a22c48d227d',
  ],
  'a failure': [
    { type: 'answer', mark, from: 'b', isFailure: true, payload },
    '0105066e6f64652d3100000100000000010000000000000102016201000b017b2261223a22c48d227d',
  ],
  'a receipt': [{ type: 'receipt', mark }, '0106066e6f64652d3100000100000000010000000000000102'],
};

describe('version 1 of news', () => {
  it.each(Object.entries(golden))('is written and read as ever: %s', (_what, [news, hex]) => {
    const bytes = encodeNews(news);
    expect(Buffer.from(bytes).toString('hex')).toBe(hex.replaceAll(/\s/gu, ''));
    expect(decodeNews(bytes)).toEqual(news);
  });

  it('is exchanged as ever', () => {
    const exchange = {
      times: { settings: 1, broadcasts: 2 ** 32, queries: 3 },
      news: [{ type: 'receipt', mark } as const],
    };
    const bytes = encodeExchange(exchange.times, exchange.news);
    expect(Buffer.from(bytes).toString('hex')).toBe(EXCHANGE.replaceAll(/\s/gu, ''));
    expect(decodeExchange(bytes)).toEqual(exchange);
  });
});

const EXCHANGE =
  '0100000000000000010000000100000000000000000000000300190106066e6f64652d3100000100000000010000000000000102';
