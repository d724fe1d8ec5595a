import { ByteReader, ByteWriter } from '@quorate/core';
import { MAX_EXCHANGE_BYTES, MAX_NUMBER } from './limits.ts';
import { decodeNews, encodeNews, type News } from './news.ts';

/** The clocks of a node. */
export interface Times {
  readonly settings: number;
  readonly broadcasts: number;
  readonly queries: number;
}

export interface Exchange {
  readonly times: Times;
  readonly news: readonly News[];
}

const VERSION = 1;

/** As much as fits, in the order given. */
export function encodeExchange({ settings, broadcasts, queries }: Times, news: Iterable<News>): Uint8Array {
  const writer = new ByteWriter().u8(VERSION).u53(settings).u53(broadcasts).u53(queries);
  let left = MAX_EXCHANGE_BYTES - 25;
  for (const each of news) {
    const bytes = encodeNews(each);
    left -= bytes.byteLength + 2;
    if (left < 0) break;
    writer.sized(bytes, 'u16');
  }
  return writer.copy();
}

/** Undefined of what makes no sense; news that makes none is left out, as is all behind an end that comes too early. */
export function decodeExchange(bytes: Uint8Array): Exchange | undefined {
  if (bytes.byteLength > MAX_EXCHANGE_BYTES) return undefined;
  const reader = new ByteReader('exchange', bytes);
  const news: News[] = [];
  let times: Times | undefined;
  try {
    if (reader.u8() !== VERSION) return undefined;
    times = {
      settings: reader.u53(MAX_NUMBER),
      broadcasts: reader.u53(MAX_NUMBER),
      queries: reader.u53(MAX_NUMBER),
    };
    while (reader.left > 0) {
      const each = decodeNews(reader.sized('u16'));
      if (each !== undefined) news.push(each);
    }
  } catch {
    if (times === undefined) return undefined;
  }
  return { times, news };
}
