import { type CallOptions, ClusterError } from '@quorate/core';

import { BlockingQuery } from '../blocking-query.ts';
import type { ConsulAnswer, ConsulClient } from '../consul-client.ts';
import { isIndex, type LockEntry, type LockReading, readLock } from './lock-entry.ts';
import { encodeRecord, type LockRecord } from './lock-record.ts';

/**
 * What Consul's own client marks locks with, 0x2ddccbc058a50c18; it refuses a key without it. More digits than a number of
 * JavaScript keeps.
 */
const LOCK_FLAGS = '3304740253564472344';
/** Stands for the flags until a transaction is text. */
const FLAGS_PLACE = 'flags of a lock';

/** What becomes of a transaction that finds something else than it wants to; `lock-delay` is told by Consul's words. */
export type TransactionOutcome =
  | { readonly kind: 'done'; readonly modifyIndex: bigint }
  | { readonly kind: 'changed' }
  | { readonly kind: 'delayed' };

const DELAYED = /lock[- ]delay/u;
const CHANGED =
  /already held|isn't held|failed index check|failed to check index|exist|failed to set key|stale|invalid session/iu;

/**
 * One key as a lock, in the way of Consul's own client (https://developer.hashicorp.com/consul/docs/dynamic-app-config/sessions):
 * whose session the key has, holds it.
 */
export class LockKey {
  readonly name: string;
  readonly #client: ConsulClient;
  readonly #path: readonly string[];
  /** For messages. */
  readonly #what: string;

  constructor(client: ConsulClient, name: string) {
    this.#client = client;
    this.name = name;
    this.#path = ['kv', ...name.split('/')];
    this.#what = `consul ${client.address}: ${name}`;
  }

  /** By the leader, which has made sure that it is the leader. */
  async read({ signal }: CallOptions): Promise<LockReading> {
    const answer = await this.#client.get(this.#path, { query: { consistent: true }, answers: [404], signal });
    return this.parse(answer);
  }

  /** Answers when the key may have changed; to be read by `parse`. */
  changes(options: { readonly waitMs: number; readonly timeoutMs: number }): BlockingQuery {
    return new BlockingQuery(this.#client, this.#path, { ...options, answers: [404] });
  }

  parse(answer: ConsulAnswer): LockReading {
    return readLock(this.#what, answer);
  }

  /** Creates the key, without a holder. */
  create(record: LockRecord, options: CallOptions): Promise<TransactionOutcome> {
    return this.#transact([this.#operation('cas', { Index: 0, ...content(record) })], options);
  }

  /** Takes it for a session, if it hasn't changed since it was read. */
  lock(
    session: string,
    { modifyIndex }: LockEntry,
    record: LockRecord,
    options: CallOptions,
  ): Promise<TransactionOutcome> {
    const check = this.#operation('check-index', { Index: Number(modifyIndex) });
    return this.#transact([check, this.#operation('lock', { Session: session, ...content(record) })], options);
  }

  /** Gives it back; `changed` when the session doesn't have it. */
  unlock(session: string, record: LockRecord, options: CallOptions): Promise<TransactionOutcome> {
    return this.#transact([this.#operation('unlock', { Session: session, ...content(record) })], options);
  }

  /** Takes the key away, if it hasn't changed since. */
  remove(modifyIndex: bigint, options: CallOptions): Promise<TransactionOutcome> {
    return this.#transact([this.#operation('delete-cas', { Index: Number(modifyIndex) })], options);
  }

  #operation(Verb: string, fields: Readonly<Record<string, unknown>>) {
    return { KV: { Verb, Key: this.name, ...fields } };
  }

  async #transact(operations: readonly object[], { signal }: CallOptions): Promise<TransactionOutcome> {
    const text = JSON.stringify(operations).replaceAll(`"${FLAGS_PLACE}"`, LOCK_FLAGS);
    const body = new TextEncoder().encode(text);
    const answer = await this.#client.put(['txn'], body, { answers: [409], signal });
    return answer.status === 409 ? this.#refusal(answer.body) : this.#result(answer.body);
  }

  #result(body: unknown): TransactionOutcome {
    const { Results } = (body ?? {}) as { readonly Results?: unknown };
    const last = Array.isArray(Results) ? (Results as readonly { readonly KV?: unknown }[]).at(-1) : undefined;
    const { ModifyIndex } = (last?.KV ?? {}) as { readonly ModifyIndex?: unknown };
    if (isIndex(ModifyIndex)) return { kind: 'done', modifyIndex: BigInt(ModifyIndex) };
    // Of a deletion there is none.
    if (Results === null || (Array.isArray(Results) && Results.length === 0)) return { kind: 'done', modifyIndex: 0n };
    throw new ClusterError('PROTOCOL', `${this.#what}: the answer is not one about a transaction`, {
      outcome: 'unknown',
    });
  }

  #refusal(body: unknown): TransactionOutcome {
    const { Errors } = (body ?? {}) as { readonly Errors?: unknown };
    const errors = Array.isArray(Errors) ? (Errors as readonly ({ readonly What?: unknown } | null)[]) : [];
    const words = errors.map((error) => String(error?.What));
    if (words.some((word) => DELAYED.test(word))) return { kind: 'delayed' };
    if (words.length > 0 && words.every((word) => CHANGED.test(word))) return { kind: 'changed' };
    const said = words.join('; ').replaceAll(/[^\x20-\x7e]+/gu, ' ');
    throw new ClusterError('REFUSED', `${this.#what}: ${said.slice(0, 200)}`, { outcome: 'not-applied' });
  }
}

function content(record: LockRecord): { readonly Value: string; readonly Flags: string } {
  return { Value: encodeRecord(record), Flags: FLAGS_PLACE };
}
