import { ByteReader, ByteWriter, isNodeId, MAX_NODE_ID_LENGTH, MAX_RUMOUR_BYTES, type NodeId } from '@quorate/core';
import { isValue } from './gossip-value.ts';
import { MAX_NAME_BYTES, MAX_NUMBER } from './limits.ts';
import { type QueryFilter, readFilter } from './query-filter.ts';

/** One key of what a node tells of itself. Without a key it only says that a run has begun. */
export interface StateNews {
  readonly type: 'state';
  readonly nodeId: NodeId;
  readonly run: number;
  /** Grows with each change in a run. */
  readonly counter: number;
  readonly key: string;
  /** Empty when it was removed. */
  readonly value: Uint8Array;
}

/** One key of the configuration. */
export interface SettingNews {
  readonly type: 'setting';
  readonly key: string;
  readonly time: number;
  readonly writer: NodeId;
  /** Empty when it was removed. */
  readonly value: Uint8Array;
  /** Since when it is known to be removed. */
  readonly ageMs: number;
}

/** Which broadcast or query it is: the session is another each time that gossip is made on a node. */
export interface Mark {
  readonly origin: NodeId;
  readonly session: number;
  readonly sequence: number;
}

export interface BroadcastNews {
  readonly type: 'broadcast';
  readonly mark: Mark;
  readonly time: number;
  readonly name: string;
  readonly payload: Uint8Array;
}

export interface QueryNews {
  readonly type: 'query';
  readonly mark: Mark;
  readonly time: number;
  readonly timeoutMs: number;
  readonly name: string;
  readonly filter: QueryFilter;
  readonly payload: Uint8Array;
}

export interface AnswerNews {
  readonly type: 'answer';
  /** Of the query. */
  readonly mark: Mark;
  readonly from: NodeId;
  /** Whether the payload says why there is no answer. */
  readonly isFailure: boolean;
  readonly payload: Uint8Array;
}

/** Says to who answered in a datagram that it has come. */
interface ReceiptNews {
  readonly type: 'receipt';
  readonly mark: Mark;
}

export type News = StateNews | SettingNews | BroadcastNews | QueryNews | AnswerNews | ReceiptNews;

const VERSION = 1;
const TYPE = { state: 1, setting: 2, broadcast: 3, query: 4, answer: 5, receipt: 6 } as const;

export function encodeNews(news: News): Uint8Array {
  const writer = new ByteWriter().u8(VERSION).u8(TYPE[news.type]);
  switch (news.type) {
    case 'state':
      return writer
        .text(news.nodeId, 'u8')
        .u53(news.run)
        .u53(news.counter)
        .text(news.key, 'u8')
        .sized(news.value, 'u16')
        .copy();
    case 'setting':
      writer.text(news.key, 'u8').u53(news.time).text(news.writer, 'u8').sized(news.value, 'u16');
      return writer.u53(news.ageMs).copy();
    case 'broadcast':
      return mark(writer, news.mark).u53(news.time).text(news.name, 'u8').sized(news.payload, 'u16').copy();
    case 'query':
      mark(writer, news.mark).u53(news.time).u53(news.timeoutMs).text(news.name, 'u8');
      return writer.text(JSON.stringify(news.filter), 'u16').sized(news.payload, 'u16').copy();
    case 'answer':
      return mark(writer, news.mark)
        .text(news.from, 'u8')
        .u8(news.isFailure ? 1 : 0)
        .sized(news.payload, 'u16')
        .copy();
    case 'receipt':
      return mark(writer, news.mark).copy();
  }
}

/** Undefined of what makes no sense, or is of a later version. Bytes of what is read are copies. */
export function decodeNews(bytes: Uint8Array): News | undefined {
  try {
    const reader = new ByteReader('news', bytes);
    const news = reader.u8() === VERSION ? read(reader.u8(), reader) : undefined;
    // Also where it comes in an exchange or in a request: answers alone may be larger than a rumour.
    return news?.type === 'answer' || bytes.byteLength <= MAX_RUMOUR_BYTES ? news : undefined;
  } catch {
    return undefined;
  }
}

function read(type: number, reader: ByteReader): News | undefined {
  switch (type) {
    case TYPE.state:
      return readState(reader);
    case TYPE.setting:
      return readSetting(reader);
    case TYPE.broadcast:
      return readBroadcast(reader);
    case TYPE.query:
      return readQuery(reader);
    case TYPE.answer:
      return readAnswer(reader);
    case TYPE.receipt:
      return { type: 'receipt', mark: readMark(reader) };
    default:
      return undefined;
  }
}

function readState(reader: ByteReader): StateNews | undefined {
  const nodeId = readId(reader);
  const run = reader.u53(MAX_NUMBER);
  const counter = reader.u53(MAX_NUMBER);
  const key = reader.text('u8', MAX_NAME_BYTES);
  const value = reader.sized('u16').slice();
  if (key === '' ? value.byteLength > 0 : value.byteLength > 0 && !isValue(value)) return undefined;
  return { type: 'state', nodeId, run, counter, key, value };
}

function readSetting(reader: ByteReader): SettingNews | undefined {
  const key = readName(reader);
  const time = reader.u53(MAX_NUMBER);
  const writer = readId(reader);
  const value = reader.sized('u16').slice();
  const ageMs = reader.u53(MAX_NUMBER);
  if (value.byteLength > 0 && !isValue(value)) return undefined;
  return { type: 'setting', key, time, writer, value, ageMs };
}

function readBroadcast(reader: ByteReader): BroadcastNews | undefined {
  const of = readMark(reader);
  const time = reader.u53(MAX_NUMBER);
  const name = readName(reader);
  const payload = reader.sized('u16').slice();
  return isValue(payload) ? { type: 'broadcast', mark: of, time, name, payload } : undefined;
}

function readQuery(reader: ByteReader): QueryNews | undefined {
  const of = readMark(reader);
  const time = reader.u53(MAX_NUMBER);
  const timeoutMs = reader.u53(MAX_NUMBER);
  const name = readName(reader);
  const filter = readFilter(reader.sized('u16'));
  const payload = reader.sized('u16').slice();
  if (filter === undefined || !isValue(payload)) return undefined;
  return { type: 'query', mark: of, time, timeoutMs, name, filter, payload };
}

function readAnswer(reader: ByteReader): AnswerNews | undefined {
  const of = readMark(reader);
  const from = readId(reader);
  const isFailure = reader.u8() === 1;
  const payload = reader.sized('u16').slice();
  return isValue(payload) ? { type: 'answer', mark: of, from, isFailure, payload } : undefined;
}

function mark(writer: ByteWriter, { origin, session, sequence }: Mark): ByteWriter {
  return writer.text(origin, 'u8').u53(session).u53(sequence);
}

function readMark(reader: ByteReader): Mark {
  return { origin: readId(reader), session: reader.u53(MAX_NUMBER), sequence: reader.u53(MAX_NUMBER) };
}

function readId(reader: ByteReader): NodeId {
  const id = reader.text('u8', MAX_NODE_ID_LENGTH);
  if (!isNodeId(id)) throw new RangeError('no id of a node');
  return id;
}

function readName(reader: ByteReader): string {
  const name = reader.text('u8', MAX_NAME_BYTES);
  if (name === '') throw new RangeError('no name');
  return name;
}
