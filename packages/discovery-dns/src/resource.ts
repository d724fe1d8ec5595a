import type { Answer, SrvData } from 'dns-packet';

import { canonicalName, isDnsName } from './dns-name.ts';
import { canonicalIp } from './ip-address.ts';

interface Owned {
  /** Whose record it is, in canonical form. */
  readonly name: string;
  readonly ttlSeconds: number;
}

export interface AddressRecord extends Owned {
  readonly type: 'A' | 'AAAA';
  readonly address: string;
}

export interface ServiceRecord extends Owned {
  readonly type: 'SRV';
  /** As the source has it, which may be no name. Empty: there is decidedly no such service. (RFC 2782) */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A record of a kind that matters here, checked. */
export type Resource =
  | AddressRecord
  | ServiceRecord
  | (Owned & { readonly type: 'CNAME'; readonly target: string })
  /** Its TTL is that of the negative answer it stands beside. (RFC 2308, section 5) */
  | (Owned & { readonly type: 'SOA' | 'NS' });

const MAX_TTL = 0x7f_ff_ff_ff;

/** The record, or nothing: of a kind, a class or a content that cannot be used. */
export function readResource(record: Answer): readonly Resource[] {
  if (record.type === 'OPT' || (record.class ?? 'IN') !== 'IN') return [];
  const owned = { name: canonicalName(record.name), ttlSeconds: readTtl(record.ttl) };
  const { type } = record;
  if (type === 'A' || type === 'AAAA') {
    const address = canonicalIp(record.data);
    return address === undefined ? [] : [{ ...owned, type, address }];
  }
  if (type === 'SRV') return [{ ...owned, type, ...readService(record.data) }];
  if (type === 'CNAME' && isDnsName(record.data)) return [{ ...owned, type, target: canonicalName(record.data) }];
  if (type === 'SOA') return [{ ...owned, type, ttlSeconds: Math.min(owned.ttlSeconds, readTtl(record.data.minimum)) }];
  return type === 'NS' ? [{ ...owned, type }] : [];
}

function readService({ target, port, priority = 0, weight = 0 }: SrvData): Omit<ServiceRecord, keyof Owned | 'type'> {
  return { target: target === '.' ? '' : canonicalName(target), port, priority, weight };
}

/** One that claims more than a signed 32-bit number holds is none. (RFC 2181, section 8) */
function readTtl(ttl: number | undefined): number {
  return ttl === undefined || ttl > MAX_TTL ? 0 : ttl;
}
