import {
  checkOptions,
  ClusterError,
  isRecordName,
  MAX_RECORD_BYTES,
  type OptionRules,
  type RecordStore,
  rule,
} from '@quorate/core';
import { isResource, isToken, TokenMemory } from './fencing-guard.ts';

/** What a fencing guard that survives the process is told. */
export interface StoredFencingGuardOptions {
  /**
   * The record that keeps the tokens.
   * @default 'fencing'
   */
  readonly record?: string;
  /**
   * As for `fencingGuard`; all of them fit one record.
   * @default 400
   */
  readonly maxResources?: number;
}

/** The version of the record's format. */
const VERSION = 1;

const rules: OptionRules<StoredFencingGuardOptions> = {
  record: rule.text('a name of a record', isRecordName),
  maxResources: rule.integer({ min: 1, max: 400 }),
};

/** A fencing guard whose memory outlives the process. */
export interface StoredFencingGuard {
  /**
   * Resolves when the token is as high as any seen for this resource, and can't be forgotten any more.
   * @throws ClusterError `STALE_TOKEN`; `OVERLOADED` for one resource too many; `IO` when it could not be stored
   */
  check(resource: string, token: bigint): Promise<void>;
  /** The highest seen. */
  highest(resource: string): bigint | undefined;
  /** For a resource that is gone for good. */
  forget(resource: string): Promise<void>;
}

/**
 * Opens the guard that a storage keeps, as `cluster.storage.records`. One process at a time has it, as it has the storage.
 * @throws ClusterError `INVALID_OPTIONS`, `CORRUPT`, `IO`
 */
export async function storedFencingGuard(
  records: RecordStore,
  options: StoredFencingGuardOptions = {},
): Promise<StoredFencingGuard> {
  const { record = 'fencing', maxResources = 400 } = checkOptions('storedFencingGuard', rules, options);
  const bytes = await records.read(record);
  const tokens = bytes === undefined ? [] : decodeTokens(record, bytes);
  return new RecordedGuard(records, record, new TokenMemory(maxResources, tokens));
}

class RecordedGuard implements StoredFencingGuard {
  readonly #records: RecordStore;
  readonly #record: string;
  readonly #memory: TokenMemory;
  /** The last write that was begun: it covers all that was seen before. */
  #written: Promise<void> = Promise.resolve();
  /** Begins when that one has ended; undefined while nothing waits to be written. */
  #next: Promise<void> | undefined;

  constructor(records: RecordStore, record: string, memory: TokenMemory) {
    this.#records = records;
    this.#record = record;
    this.#memory = memory;
  }

  async check(resource: string, token: bigint): Promise<void> {
    const before = this.#memory.highest(resource);
    this.#memory.check(resource, token);
    // A token that was seen before may still be on its way to the disk.
    await (before === token ? (this.#next ?? this.#written) : this.#store());
  }

  highest(resource: string): bigint | undefined {
    return this.#memory.highest(resource);
  }

  async forget(resource: string): Promise<void> {
    if (this.#memory.highest(resource) === undefined) return;
    this.#memory.forget(resource);
    await this.#store();
  }

  /** One write at a time: all that comes while one is under way shares the next. */
  #store(): Promise<void> {
    this.#next ??= this.#writeAfter(this.#written);
    return this.#next;
  }

  async #writeAfter(former: Promise<void>): Promise<void> {
    // What failed there was told to those who waited for it.
    await former.catch(() => undefined);
    this.#next = undefined;
    const write = this.#records.write(this.#record, encodeTokens(this.#memory));
    this.#written = write;
    await write;
  }
}

function encodeTokens(memory: TokenMemory): Uint8Array {
  const tokens = [...memory.entries()].map(([resource, token]) => [resource, String(token)]);
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, tokens }));
}

function decodeTokens(record: string, bytes: Uint8Array): readonly (readonly [string, bigint])[] {
  const tokens = bytes.byteLength > MAX_RECORD_BYTES ? undefined : parseTokens(bytes);
  if (tokens === undefined) throw new ClusterError('CORRUPT', `the record ${record} holds no fencing tokens`);
  return tokens;
}

function parseTokens(bytes: Uint8Array): readonly (readonly [string, bigint])[] | undefined {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    const { version, tokens } = parsed as { readonly version?: unknown; readonly tokens?: unknown };
    if (version !== VERSION || !Array.isArray(tokens)) return undefined;
    return tokens.map((pair: unknown) => {
      const [resource, text] = pair as readonly unknown[];
      const token = typeof text === 'string' && /^\d{1,20}$/u.test(text) ? BigInt(text) : undefined;
      if (!isResource(resource) || !isToken(token)) throw new TypeError('no token of a resource');
      return [resource, token] as const;
    });
  } catch {
    return undefined;
  }
}
