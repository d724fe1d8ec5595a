import { type CallOptions, ClusterError, invalidOption } from '@quorate/core';

import type { ConsulClient } from './consul-client.ts';
import { isKey, keyPart } from './lease/key-name.ts';
import { isIndex } from './lease/lock-entry.ts';
import { LockKey } from './lease/lock-key.ts';

/** Where records are kept in Consul. */
export interface ConsulRecordsOptions {
  /** The folder of the keys, parts between slashes: nothing else should be in it. */
  readonly folder: string;
}

/** A record as it was at an index of Consul. */
export interface ConsulRecord {
  readonly value: Uint8Array;
  /** The index of the write that has changed it last, as a text. No two values have the same. */
  readonly version: string;
}

/**
 * Small records as keys of Consul, each written on the condition that nobody has changed it since it was read: what
 * `recordClaims` of `@quorate/coordination` keeps claims in. Calls reject as those of the client do, which stays its
 * owner's to dispose of.
 */
export interface ConsulRecords {
  /** As the leader knows it, which has made sure that it is the leader. */
  read(name: string, options?: CallOptions): Promise<ConsulRecord | undefined>;
  /**
   * Writes a record if it still is of this version; undefined when there is to be none.
   * @returns false when it isn't
   */
  write(name: string, value: Uint8Array, expected: string | undefined, options?: CallOptions): Promise<boolean>;
  /** Takes a record away if it still is of this version. False when another version is there. */
  remove(name: string, expected: string, options?: CallOptions): Promise<boolean>;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function consulRecords(client: ConsulClient, { folder }: ConsulRecordsOptions): ConsulRecords {
  if (typeof folder !== 'string' || !isKey(folder)) {
    throw invalidOption('consulRecords', 'folder', 'parts between slashes', folder);
  }
  return new KeyRecords(client, folder);
}

class KeyRecords implements ConsulRecords {
  readonly #client: ConsulClient;
  readonly #folder: string;

  constructor(client: ConsulClient, folder: string) {
    this.#client = client;
    this.#folder = folder;
  }

  async read(name: string, { signal }: CallOptions = {}): Promise<ConsulRecord | undefined> {
    const query = { consistent: true };
    const { status, body } = await this.#client.get(this.#path(name), { query, answers: [404], signal });
    return status === 404 ? undefined : readRecord(this.#what(name), body);
  }

  async write(
    name: string,
    value: Uint8Array,
    expected: string | undefined,
    { signal }: CallOptions = {},
  ): Promise<boolean> {
    const { body } = await this.#client.put(this.#path(name), value, { query: { cas: expected ?? '0' }, signal });
    if (typeof body === 'boolean') return body;
    throw new ClusterError('PROTOCOL', `${this.#what(name)}: the answer to a write is neither true nor false`, {
      outcome: 'unknown',
    });
  }

  async remove(name: string, expected: string, options: CallOptions = {}): Promise<boolean> {
    const { kind } = await new LockKey(this.#client, this.#key(name)).remove(BigInt(expected), options);
    return kind === 'done';
  }

  #key(name: string): string {
    return `${this.#folder}/${keyPart(name)}`;
  }

  #path(name: string): readonly string[] {
    return ['kv', ...this.#key(name).split('/')];
  }

  #what(name: string): string {
    return `consul ${this.#client.address}: ${this.#key(name)}`;
  }
}

function readRecord(what: string, body: unknown): ConsulRecord {
  const entry: unknown = Array.isArray(body) ? (body as readonly unknown[])[0] : undefined;
  const { ModifyIndex, Value } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const value = Value === null ? new Uint8Array() : bytesOf(Value);
  if (isIndex(ModifyIndex) && value !== undefined) return { value, version: String(ModifyIndex) };
  throw new ClusterError('PROTOCOL', `${what}: the answer is not one about a key`);
}

/** Undefined for what is not base64. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
