import { ClusterError, type Random } from '@quorate/core';
import { type Answer, decode, type DecodedPacket, encode, RECURSION_DESIRED } from 'dns-packet';

import { canonicalName } from './dns-name.ts';
import { hasLongPointerRun } from './pointer-runs.ts';
import { type Resource, readResource } from './resource.ts';

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV';
}

/** A question under way. */
export interface Query {
  readonly question: Question;
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** What a server answered, as far as it is understood here. */
export interface DnsResponse {
  readonly rcode: number;
  /** Not everything had room. */
  readonly isTruncated: boolean;
  readonly isAuthoritative: boolean;
  /** Whether the server speaks EDNS. */
  readonly hasEdns: boolean;
  readonly answers: readonly Resource[];
  readonly authorities: readonly Resource[];
  readonly additionals: readonly Resource[];
}

export const RCODE = { noError: 0, formatError: 1, noSuchName: 3, notImplemented: 4, badVersion: 16 } as const;
export const RCODE_NAMES: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};

/** What passes every network in one piece. (DNS flag day 2020) */
const UDP_BYTES = 1232;
const HEADER_BYTES = 12;
const TRUNCATED = 0x02;
const RESPONSE = 0x80;
const OPT = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_BYTES,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
} as const;

/** A query under an id that nobody can guess. */
export function newQuery(question: Question, random: Random, { edns }: { readonly edns: boolean }): Query {
  const id = random.int(0x1_00_00);
  const { name, type } = question;
  const bytes = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type, class: 'IN' }],
    additionals: edns ? [{ ...OPT, options: [] }] : [],
  });
  return { question, id, bytes };
}

/** Whether the bytes may be the answer to a query: what can be seen before anything is decoded. */
export function isReplyTo(query: Query, bytes: Uint8Array): boolean {
  const [high = 0, low = 0, flags = 0] = bytes;
  return bytes.length >= HEADER_BYTES && ((high << 8) | low) === query.id && (flags & RESPONSE) !== 0;
}

/**
 * The answer to a query. Of a truncated one that ends in the middle of a record, nothing but that.
 * @throws ClusterError `PROTOCOL` when it is not one, or answers another question
 */
export function readResponse(query: Query, bytes: Uint8Array): DnsResponse {
  if (!isReplyTo(query, bytes)) throw new ClusterError('PROTOCOL', 'what came is no answer to what was asked');
  const isTruncated = ((bytes[2] ?? 0) & TRUNCATED) !== 0;
  try {
    if (hasLongPointerRun(bytes)) throw new Error('it has pointers to pointers to pointers');
    const packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const response = describe(packet, isTruncated);
    if (!repeats(packet, query.question) && response.rcode !== RCODE.formatError) {
      throw new Error('it answers another question');
    }
    return response;
  } catch (error) {
    if (isTruncated) return describe({ flags: 0 }, true);
    throw new ClusterError('PROTOCOL', `what came cannot be read: ${String(error)}`, { cause: error });
  }
}

function describe(packet: Partial<DecodedPacket>, isTruncated: boolean): DnsResponse {
  const { flags = 0, answers = [], authorities = [], additionals = [] } = packet;
  const opt = additionals.find((record) => record.type === 'OPT');
  const records = (section: readonly Answer[]) => section.flatMap(readResource);
  return {
    rcode: ((opt?.extendedRcode ?? 0) << 4) | (flags & 0xf),
    isTruncated,
    isAuthoritative: packet.flag_aa === true,
    hasEdns: opt !== undefined,
    answers: records(answers),
    authorities: records(authorities),
    additionals: records(additionals),
  };
}

function repeats({ questions = [] }: DecodedPacket, { name, type }: Question): boolean {
  const [asked] = questions;
  if (asked === undefined || questions.length !== 1) return false;
  return canonicalName(asked.name) === canonicalName(name) && asked.type === type && (asked.class ?? 'IN') === 'IN';
}
