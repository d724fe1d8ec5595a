import type { Clock, Timer } from '@quorate/core';

import type { HttpAnswer, HttpRequest } from '../../src/index.ts';

interface Entry {
  readonly CreateIndex: number;
  ModifyIndex: number;
  LockIndex: number;
  Flags: bigint;
  Value: string;
  Session: string | undefined;
}

interface Operation {
  readonly Verb: string;
  readonly Key: string;
  readonly Value?: string;
  readonly Session?: string;
  readonly Index?: number;
}

/** What is sent in transactions in place of the flags, which are more than a number of JavaScript keeps. */
const FLAGS = /"Flags":(\d+)/gu;

/** As much of Consul as a lock needs, as it was found to answer (1.8.7), in simulated time. */
export class SmallConsul {
  readonly entries: Map<string, Entry> = new Map();
  readonly sessions: Map<string, { readonly Name: string; readonly LockDelay: number; readonly TTL: string }> =
    new Map();
  readonly #clock: Clock;
  readonly #delays = new Map<string, number>();
  readonly #expiries = new Map<string, Timer>();
  index = 10;
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answer({ method, path, body }: HttpRequest): Partial<HttpAnswer> {
    const [, version, kind = '', ...rest] = path.replace(/\?.*$/u, '').split('/').map(decodeURIComponent);
    if (version !== 'v1') return { status: 404 };
    const content = typeof body === 'string' ? body : new TextDecoder().decode(body);
    if (kind === 'kv' && method === 'GET') return this.#read(rest.join('/'));
    if (kind === 'internal') return { status: 401, body: 'ACL support disabled' };
    if (kind === 'txn') return this.#transact(content);
    return this.#session(rest, content);
  }

  /** As an operator does. */
  deleteKey(key: string): void {
    this.entries.delete(key);
    this.index += 1;
  }

  /** As an operator does, or as when it has run out. */
  endSession(id: string): void {
    const session = this.sessions.get(id);
    this.#expiries.get(id)?.cancel();
    this.sessions.delete(id);
    this.index += 1;
    for (const [key, entry] of this.entries) {
      if (entry.Session !== id) continue;
      Object.assign(entry, { Session: undefined, ModifyIndex: this.index });
      this.#delays.set(key, this.#clock.now() + (session?.LockDelay ?? 0) / 1e6);
    }
  }

  #read(key: string): Partial<HttpAnswer> {
    const entry = this.entries.get(key);
    const headers = { 'x-consul-index': String(entry?.ModifyIndex ?? this.index) };
    if (entry === undefined) return { status: 404, headers };
    return { headers, body: JSON.stringify([{ ...entry, Flags: Number(entry.Flags), Key: key }]) };
  }

  #transact(content: string): Partial<HttpAnswer> {
    const flags = [...content.matchAll(FLAGS)].map(([, digits = '0']) => BigInt(digits))[0] ?? 0n;
    const operations = (JSON.parse(content) as readonly { readonly KV: Operation }[]).map(({ KV }) => KV);
    const errors = operations.flatMap((operation, OpIndex) => {
      const What = this.#objection(operation);
      return What === undefined ? [] : [{ OpIndex, What }];
    });
    if (errors.length > 0) return { status: 409, body: JSON.stringify({ Results: null, Errors: errors }) };
    this.index += 1;
    const results = operations.flatMap((operation) => this.#apply(operation, flags));
    return { body: JSON.stringify({ Results: results.length === 0 ? null : results, Errors: null }) };
  }

  #objection({ Verb, Key, Session, Index }: Operation): string | undefined {
    const entry = this.entries.get(Key);
    switch (Verb) {
      case 'cas':
        return (entry?.ModifyIndex ?? 0) === Index ? undefined : `failed to set key "${Key}", index is stale`;
      case 'delete-cas':
        return entry === undefined || entry.ModifyIndex === Index
          ? undefined
          : `failed to delete key "${Key}", index is stale`;
      case 'check-index':
        if (entry === undefined) return `failed to check index, key "${Key}" doesn't exist`;
        return entry.ModifyIndex === Index ? undefined : `failed index check for key "${Key}"`;
      case 'lock':
        if (this.#clock.now() < (this.#delays.get(Key) ?? 0)) return `failed to lock key "${Key}" due to lock delay`;
        if (!this.sessions.has(Session ?? '')) return `invalid session "${Session}"`;
        return entry?.Session === undefined ? undefined : `failed to lock key "${Key}", lock is already held`;
      default:
        return entry !== undefined && entry.Session === Session
          ? undefined
          : `failed to unlock key "${Key}", lock isn't held, or is held by another session`;
    }
  }

  #apply({ Verb, Key, Session, Value = '' }: Operation, Flags: bigint): readonly object[] {
    if (Verb === 'delete-cas') {
      this.entries.delete(Key);
      return [];
    }
    const entry = this.entries.get(Key) ?? {
      CreateIndex: this.index,
      ModifyIndex: 0,
      LockIndex: 0,
      Flags,
      Value,
      Session: undefined,
    };
    if (Verb !== 'check-index') {
      Object.assign(entry, { ModifyIndex: this.index, Flags, Value });
      if (Verb !== 'cas') entry.Session = Verb === 'lock' ? Session : undefined;
      if (Verb === 'lock') entry.LockIndex += 1;
    }
    this.entries.set(Key, entry);
    return [{ KV: { ModifyIndex: entry.ModifyIndex, CreateIndex: entry.CreateIndex } }];
  }

  #session([verb, id = '']: readonly string[], content: string): Partial<HttpAnswer> {
    if (verb === 'list') {
      const all = [...this.sessions].map(([ID, session]) => ({ ID, ...session }));
      return { body: JSON.stringify(all) };
    }
    if (verb === 'info') {
      const session = this.sessions.get(id);
      return { body: JSON.stringify(session === undefined ? [] : [{ ID: id, ...session }]) };
    }
    if (verb === 'renew') {
      if (!this.sessions.has(id)) return { status: 404, body: 'not found' };
      this.#keep(id);
      return { body: '[{}]' };
    }
    this.index += 1;
    if (verb === 'destroy') {
      this.endSession(id);
      return { body: 'true' };
    }
    const { Name, TTL, LockDelay } = JSON.parse(content) as Record<'Name' | 'TTL' | 'LockDelay', string>;
    const ID = `5e55104e-0000-0000-0000-${String((this.#made += 1)).padStart(12, '0')}`;
    this.sessions.set(ID, { Name, TTL, LockDelay: Number.parseInt(LockDelay, 10) * 1e6 });
    this.#keep(ID);
    return { body: JSON.stringify({ ID }) };
  }

  /** For twice its time to live from now on. */
  #keep(id: string): void {
    this.#expiries.get(id)?.cancel();
    const ttlMs = Number.parseInt(this.sessions.get(id)?.TTL ?? '0', 10);
    this.#expiries.set(
      id,
      this.#clock.setTimer(2 * ttlMs, () => this.endSession(id)),
    );
  }
}
