import { type CallOptions, type Clock, ClusterError, type Random } from '@quorate/core';
import type { IRangeResponse } from 'etcd3';

import { Calls } from './calls.ts';
import type { EngineSettings } from './engine-options.ts';
import type { EtcdClient, FollowOptions, LeaseOptions, ListOptions, PutOptions } from './etcd-client.ts';
import { type EtcdEntry, type EtcdListing, MAX_LISTING_BYTES, rangeOf, readEntry } from './etcd-entry.ts';
import { isCompacted, isTooLarge } from './etcd-failure.ts';
import { type EtcdLease, KeptLease } from './etcd-lease.ts';
import type { MemberSet } from './member-set.ts';
import { PrefixFollower } from './prefix-follower.ts';

export interface ClientParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: EngineSettings;
  readonly members: MemberSet;
}

const LIST_LIMIT = 10_000;
/** Asked for at once; halved while the answer is too large to be taken. */
const PAGE = 512;

/** A client that shares its connections with others of its engine. */
export class SharingClient implements EtcdClient {
  readonly #parts: ClientParts;
  readonly #calls: Calls;
  readonly #leave: () => void;
  #disposed = false;

  /** @param leave called once, when this client needs the connections no more */
  constructor(parts: ClientParts, leave: () => void) {
    this.#parts = parts;
    this.#calls = new Calls(parts.clock, parts.settings, parts.members);
    this.#leave = leave;
  }

  async list(prefix: string, { limit = LIST_LIMIT, signal }: ListOptions = {}): Promise<EtcdListing> {
    for (let again = 0; ; again += 1) {
      try {
        return await this.#pages(prefix, limit, signal);
      } catch (error) {
        // Between two pages etcd may forget the revision of the first.
        if (again > 0 || !isCompacted(error)) throw error;
      }
    }
  }

  async get(key: string, { signal }: CallOptions = {}): Promise<EtcdEntry | undefined> {
    const request = { key: Buffer.from(key) };
    const answer = await this.#calls.run('etcd: get', (member, details) => member.call('range', request, details), {
      signal,
    });
    return answer.kvs.map(readEntry)[0];
  }

  async put(key: string, value: Uint8Array, { lease = '0', signal }: PutOptions = {}): Promise<void> {
    const put = { request_put: { key: Buffer.from(key), value: Buffer.from(value), lease } };
    await this.#calls.run('etcd: put', (member, details) => member.call('txn', { success: [put] }, details), {
      signal,
    });
  }

  async createIfAbsent(key: string, value: Uint8Array, options: PutOptions = {}): Promise<EtcdEntry> {
    const { lease = '0', signal } = options;
    const at = Buffer.from(key);
    const range = { request_range: { key: at } };
    const request = {
      compare: [{ key: at, target: 'Create' as const, result: 'Equal' as const, create_revision: '0' }],
      success: [{ request_put: { key: at, value: Buffer.from(value), lease } }, range],
      failure: [range],
    };
    const call = (
      member: Parameters<Parameters<Calls['run']>[1]>[0],
      details: { signal: AbortSignal; token: string | undefined },
    ) => member.call('txn', request, details);
    const { responses } = await this.#calls.run('etcd: create', call, { signal });
    const found = responses.at(-1)?.response_range.kvs[0];
    if (found === undefined) throw new ClusterError('PROTOCOL', 'etcd: create: the answer lacks what is there');
    return readEntry(found);
  }

  grantLease(options: LeaseOptions): Promise<EtcdLease> {
    return KeptLease.grant({ ...this.#parts, calls: this.#calls }, options);
  }

  follow(prefix: string, tell: (listing: EtcdListing) => void, options: FollowOptions): Promise<void> {
    const { signal, limit = LIST_LIMIT, livenessMs = 1_000, resyncMs = 60_000 } = options;
    const list = (call: CallOptions) => this.list(prefix, { ...call, limit });
    const { clock, random, members } = this.#parts;
    const plan = { clock, random, members, calls: this.#calls, prefix, limit, livenessMs, resyncMs, list, tell };
    return new PrefixFollower(plan).run(signal);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#calls[Symbol.dispose]();
    this.#leave();
  }

  async #pages(prefix: string, limit: number, signal: AbortSignal | undefined): Promise<EtcdListing> {
    const entries: EtcdEntry[] = [];
    const { range_end } = rangeOf(prefix);
    let key: Buffer = Buffer.from(prefix);
    let revision: string | undefined;
    let page = PAGE;
    let bytes = 0;
    for (;;) {
      const request = { key, range_end, limit: Math.min(page, limit + 1 - entries.length), revision: revision ?? '0' };
      const answer = await this.#page(request, signal);
      if (answer === 'too large') {
        page = Math.max(1, Math.floor(Math.min(page, request.limit) / 2));
        continue;
      }
      revision ??= answer.header.revision;
      entries.push(...answer.kvs.map(readEntry));
      bytes += answer.kvs.reduce((sum, { value }) => sum + value.length, 0);
      const last = answer.kvs.at(-1);
      const isTooMuch = entries.length > limit || (answer.more && bytes > MAX_LISTING_BYTES);
      if (!answer.more || last === undefined || isTooMuch) {
        const complete = !isTooMuch;
        return { entries: entries.slice(0, limit), revision: BigInt(revision), complete };
      }
      key = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  async #page(
    request: { readonly key: Buffer; readonly range_end: Buffer; readonly limit: number; readonly revision: string },
    signal: AbortSignal | undefined,
  ): Promise<IRangeResponse | 'too large'> {
    const call = this.#calls.run('etcd: list', (member, details) => member.call('range', request, details), { signal });
    return call.catch((error: unknown) => {
      if (isTooLarge(error) && request.limit > 1) return 'too large' as const;
      throw error;
    });
  }
}
