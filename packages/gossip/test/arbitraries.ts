import { MAX_RUMOUR_BYTES, type NodeId } from '@quorate/core';
import fc from 'fast-check';
import { encodeValue } from '../src/gossip-value.ts';
import {
  type AnswerNews,
  type BroadcastNews,
  encodeNews,
  type Mark,
  type News,
  type QueryNews,
  type SettingNews,
  type StateNews,
} from '../src/news.ts';

const small = fc.integer({ min: 0, max: 4 });
const number = fc.oneof(small, fc.integer({ min: 0, max: 2 ** 52 }));
const id: fc.Arbitrary<NodeId> = fc.constantFrom('a', 'b', 'c-1', 'x'.repeat(128));
const name = fc.oneof(
  fc.constantFrom('k', 'limit', '€'.repeat(21)),
  fc
    .string({ minLength: 1, maxLength: 16, unit: 'grapheme' })
    .filter((text) => new TextEncoder().encode(text).length <= 64),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((json) => encodeValue('test', 'value', json as never)),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => encodeValue('test', 'value', bytes)),
);
const perhaps = fc.oneof(value, fc.constant(new Uint8Array()));

/** Of few nodes, keys and versions, so that they meet. */
export const stateNews: fc.Arbitrary<StateNews> = fc
  .record({
    type: fc.constant('state' as const),
    nodeId: fc.constantFrom('a', 'b'),
    run: small,
    counter: small,
    key: fc.constantFrom('', 'x', 'y', 'z'),
    value: perhaps,
  })
  .map((news) => (news.key === '' ? { ...news, value: new Uint8Array() } : news));

export const settingNews: fc.Arbitrary<SettingNews> = fc
  .record({
    type: fc.constant('setting' as const),
    key: fc.constantFrom('x', 'y', 'z'),
    time: small,
    writer: fc.constantFrom('a', 'b'),
    value: perhaps,
    ageMs: fc.integer({ min: 0, max: 500 }),
  })
  .map((news) => (news.value.byteLength === 0 ? news : { ...news, ageMs: 0 }));

const mark: fc.Arbitrary<Mark> = fc.record({ origin: id, session: number, sequence: number });

const broadcastNews: fc.Arbitrary<BroadcastNews> = fc.record({
  type: fc.constant('broadcast' as const),
  mark,
  time: number,
  name,
  payload: value,
});

const queryNews: fc.Arbitrary<QueryNews> = fc.record({
  type: fc.constant('query' as const),
  mark,
  time: number,
  timeoutMs: number,
  name,
  filter: fc.record(
    { nodes: fc.array(id, { maxLength: 3 }), zone: name, region: name, metadata: fc.dictionary(name, fc.string()) },
    { requiredKeys: [] },
  ),
  payload: value,
});

const answerNews: fc.Arbitrary<AnswerNews> = fc.record({
  type: fc.constant('answer' as const),
  mark,
  from: id,
  isFailure: fc.boolean(),
  payload: value,
});

/** As it can be told: answers alone may be larger than a rumour. */
export const anyNews: fc.Arbitrary<News> = fc
  .oneof(
    stateNews,
    settingNews,
    broadcastNews,
    queryNews,
    answerNews,
    mark.map((of) => ({ type: 'receipt' as const, mark: of })),
  )
  .filter((news) => news.type === 'answer' || encodeNews(news).byteLength <= MAX_RUMOUR_BYTES);
