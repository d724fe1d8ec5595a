import { type Address, ClusterError } from '@quorate/core';

import type { DnsClient } from './dns-client.ts';
import type { DnsResponse, Question } from './dns-message.ts';
import type { AddressRecord, Resource, ServiceRecord } from './resource.ts';

/** The longest chain of aliases that is followed. */
const MAX_ALIASES = 8;
/** How long a denial holds that doesn't say so. */
const DENIAL_TTL_SECONDS = 1;

/** What there is of one type under a name, aliases followed. None: the name is not there, or has none of the type. */
export interface FoundRecords<R> {
  readonly records: readonly R[];
  /** How long that holds: the least of all that led here. */
  readonly ttlSeconds: number;
  /** Addresses that the server added unasked. */
  readonly additionals: readonly AddressRecord[];
  /** False when the server left some out. */
  readonly isComplete: boolean;
}

export interface RecordTypes {
  readonly A: AddressRecord;
  readonly AAAA: AddressRecord;
  readonly SRV: ServiceRecord;
}

/**
 * Looks up the records of a type under a full name.
 * @throws ClusterError as `DnsClient.ask`; `PROTOCOL` when aliases go in a circle, or too far
 */
export async function findRecords<T extends Question['type']>(
  client: DnsClient,
  resolvers: readonly Address[],
  question: Question & { readonly type: T },
  signal: AbortSignal,
): Promise<FoundRecords<RecordTypes[T]>> {
  const { name, type } = question;
  const walk = new AliasWalk(name);
  for (;;) {
    const asked = walk.at;
    const response = await client.ask({ name: asked, type }, resolvers, signal);
    walk.follow(response);
    const isWanted = (record: Resource): record is RecordTypes[T] => record.type === type && record.name === walk.at;
    const records = response.answers.filter(isWanted);
    // A server that is not the one for the alias leaves it at that.
    const isOpen = walk.at !== asked && response.authorities.every(({ type: kind }) => kind !== 'SOA');
    if (records.length === 0 && isOpen) continue;
    const ttls = records.length === 0 ? [denialTtl(response)] : records.map(({ ttlSeconds }) => ttlSeconds);
    const ttlSeconds = Math.min(walk.ttlSeconds, ...ttls);
    return { records, ttlSeconds, additionals: addressesIn(response.additionals), isComplete: !response.isTruncated };
  }
}

/** From alias to alias, with an end. */
class AliasWalk {
  at: string;
  /** The least of the aliases so far. */
  ttlSeconds = Infinity;
  readonly #seen: Set<string>;

  constructor(name: string) {
    this.at = name;
    this.#seen = new Set([name]);
  }

  follow({ answers }: DnsResponse): void {
    for (;;) {
      const alias = answers.find((record) => record.type === 'CNAME' && record.name === this.at);
      if (alias?.type !== 'CNAME') return;
      const route = `${[...this.#seen].join(' -> ')} -> ${alias.target}`;
      if (this.#seen.has(alias.target)) throw new ClusterError('PROTOCOL', `aliases go in a circle: ${route}`);
      if (this.#seen.size > MAX_ALIASES) throw new ClusterError('PROTOCOL', `too many aliases: ${route}`);
      this.#seen.add(alias.target);
      this.at = alias.target;
      this.ttlSeconds = Math.min(this.ttlSeconds, alias.ttlSeconds);
    }
  }
}

function denialTtl({ authorities }: DnsResponse): number {
  return authorities.find(({ type }) => type === 'SOA')?.ttlSeconds ?? DENIAL_TTL_SECONDS;
}

function addressesIn(records: readonly Resource[]): readonly AddressRecord[] {
  return records.filter((record): record is AddressRecord => record.type === 'A' || record.type === 'AAAA');
}
