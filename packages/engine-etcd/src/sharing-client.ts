import { type CallOptions, type Clock, ClusterError, type Random } from '@quorate/core';
import type { IRangeResponse, IResponseOp, ITxnRequest } from 'etcd3';

import { type CallLimits, Calls } from './calls.ts';
import type { EngineSettings } from './engine-options.ts';
import type {
  Created,
  EtcdClient,
  FollowOptions,
  LeaseOptions,
  ListOptions,
  PutOptions,
  Seen,
  Writes,
} from './etcd-client.ts';
import {
  type EtcdEntry,
  type EtcdListing,
  type KeySelection,
  MAX_LISTING_BYTES,
  rangeOf,
  readEntry,
} from './etcd-entry.ts';
import { isCompacted, isTooLarge } from './etcd-failure.ts';
import { type EtcdLease, KeptLease, type KeptRenewableLease } from './etcd-lease.ts';
import type { MemberSet } from './member-set.ts';
import { PrefixFollower } from './prefix-follower.ts';
import { grantLease, type RenewableLease } from './renewable-lease.ts';

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

  async list(keys: KeySelection, { limit = LIST_LIMIT, ...limits }: ListOptions = {}): Promise<EtcdListing> {
    for (let again = 0; ; again += 1) {
      try {
        return await this.#pages(keys, limit, limits);
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

  async put(key: string, value: Uint8Array, options: PutOptions & CallLimits = {}): Promise<void> {
    const { lease = '0', ...limits } = options;
    const put = { request_put: { key: Buffer.from(key), value: Buffer.from(value), lease } };
    await this.#calls.run('etcd: put', (member, details) => member.call('txn', { success: [put] }, details), limits);
  }

  async createIfAbsent(key: string, value: Uint8Array, options: PutOptions & CallLimits = {}): Promise<EtcdEntry> {
    const { lease = '0', ...limits } = options;
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
    const { responses } = await this.#calls.run('etcd: create', call, limits);
    // What it was not asked for may come in its place.
    const last: Partial<IResponseOp> | undefined = responses.at(-1);
    const found = last?.response_range?.kvs[0];
    if (found === undefined) throw new ClusterError('PROTOCOL', 'etcd: create: the answer lacks what is there');
    return readEntry(found);
  }

  async writeIfCreated(
    { key, createRevision }: Created,
    { puts = [], deletes = [] }: Writes,
    limits: CallLimits = {},
  ): Promise<bigint | undefined> {
    const request: ITxnRequest = {
      compare: [{ key: Buffer.from(key), target: 'Create', result: 'Equal', create_revision: String(createRevision) }],
      success: [
        ...puts.map((put) => ({
          request_put: { key: Buffer.from(put.key), value: Buffer.from(put.value), lease: put.lease ?? '0' },
        })),
        ...deletes.map((gone) => ({ request_delete_range: { key: Buffer.from(gone) } })),
      ],
    };
    const answer = await this.#calls.run(
      'etcd: write',
      (member, details) => member.call('txn', request, details),
      limits,
    );
    return answer.succeeded ? BigInt(answer.header.revision) : undefined;
  }

  async writeIfUnchanged(
    { key, modRevision }: Seen,
    value: Uint8Array | undefined,
    limits: CallLimits = {},
  ): Promise<boolean> {
    const at = Buffer.from(key);
    const request: ITxnRequest = {
      compare: [{ key: at, target: 'Mod', result: 'Equal', mod_revision: String(modRevision) }],
      success: [
        value === undefined
          ? { request_delete_range: { key: at } }
          : { request_put: { key: at, value: Buffer.from(value) } },
      ],
    };
    const call = this.#calls.run('etcd: write', (member, details) => member.call('txn', request, details), limits);
    return (await call).succeeded;
  }

  grantRenewableLease(options: LeaseOptions & CallLimits): Promise<RenewableLease> {
    return grantLease({ ...this.#parts, calls: this.#calls }, options);
  }

  keepLease(lease: RenewableLease): KeptRenewableLease {
    return new KeptLease({ clock: this.#parts.clock, calls: this.#calls }, lease);
  }

  grantLease(options: LeaseOptions): Promise<EtcdLease> {
    return KeptLease.grant({ ...this.#parts, calls: this.#calls }, options);
  }

  follow(keysOf: KeySelection, tell: (listing: EtcdListing) => void, options: FollowOptions): Promise<void> {
    const { signal, onGone, since, limit = LIST_LIMIT, livenessMs = 1_000, resyncMs = 60_000 } = options;
    const list = (call: CallOptions) => this.list(keysOf, { ...call, limit });
    const { clock, random, members } = this.#parts;
    const calls = this.#calls;
    const plan = { clock, random, members, calls, keysOf, limit, livenessMs, resyncMs, since, list, tell, onGone };
    return new PrefixFollower(plan).run(signal);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#calls[Symbol.dispose]();
    this.#leave();
  }

  async #pages(keys: KeySelection, limit: number, limits: CallLimits): Promise<EtcdListing> {
    const entries: EtcdEntry[] = [];
    const { key: first, range_end } = rangeOf(keys);
    let key = first;
    let revision: string | undefined;
    let page = PAGE;
    let bytes = 0;
    for (;;) {
      const request = { key, range_end, limit: Math.min(page, limit + 1 - entries.length), revision: revision ?? '0' };
      const answer = await this.#page(request, limits);
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
    limits: CallLimits,
  ): Promise<IRangeResponse | 'too large'> {
    const call = this.#calls.run('etcd: list', (member, details) => member.call('range', request, details), limits);
    return call.catch((error: unknown) => {
      if (isTooLarge(error) && request.limit > 1) return 'too large' as const;
      throw error;
    });
  }
}
