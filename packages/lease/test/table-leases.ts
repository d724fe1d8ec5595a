import { type CallOptions, type Clock, ClusterError, sleep } from '@quorate/core';
import type { LeaseEngine, LeaseHold, LeaseRefusal, LeaseRequest, LeaseStore, LeaseView } from '@quorate/lease';

/** A row of a table with a conditional write: `UPDATE … WHERE version = …`, a compare-and-set, an `If-Match`. */
export interface Row {
  readonly holder: string | undefined;
  readonly nodeId: string;
  readonly token: bigint;
  readonly ttlMs: number;
  /** Another one after each write. */
  readonly version: bigint;
}

export interface Table {
  /** Greater than all it has given, as a sequence of SQL is. */
  next(options: CallOptions): Promise<bigint>;
  read(name: string, options: CallOptions): Promise<Row | undefined>;
  /** Undefined when the row isn't of that version any more. */
  write(
    name: string,
    row: Omit<Row, 'version'>,
    version: bigint | undefined,
    options: CallOptions,
  ): Promise<Row | undefined>;
}

/** Leases that are rows of a table. */
export function tableLeases({ clock }: { readonly clock: Clock }, table: Table): LeaseEngine {
  return {
    supports: { fair: false, shared: false, semaphore: false },
    open: (request) => new TableStore(clock, table, request),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

class TableStore implements LeaseStore {
  readonly #clock: Clock;
  readonly #table: Table;
  readonly #request: LeaseRequest;
  readonly #holder: string;
  /** Which version was seen first when: what nobody renews for its ttl from then on has run out, by any clock. */
  #seen: { readonly version: bigint | undefined; readonly at: number } | undefined;

  constructor(clock: Clock, table: Table, request: LeaseRequest) {
    this.#clock = clock;
    this.#table = table;
    this.#request = request;
    this.#holder = JSON.stringify(request.identity);
  }

  async follow(tell: (view: LeaseView) => void, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { name, ttlMs } = this.#request;
    while (!signal.aborted) {
      // Before the row: what is told knows at least of all that was granted up to here.
      const revision = await this.#table.next({ signal });
      const row = await this.#read({ signal });
      tell({ revision, holder: row?.holder === undefined ? undefined : { nodeId: row.nodeId, token: row.token } });
      await sleep(this.#clock, ttlMs / 20, { signal }).catch(() => undefined);
    }
    throw new ClusterError('ABORTED', `${name} is followed no more`);
  }

  async acquire(options: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const { name, identity, ttlMs } = this.#request;
    const row = await this.#read(options);
    const seenAt = this.#seen?.at ?? this.#clock.now();
    const runsOutAt = row?.holder === undefined ? -Infinity : seenAt + row.ttlMs;
    if (this.#clock.now() < runsOutAt) return { retryAt: runsOutAt };
    const sentAt = this.#clock.now();
    const token = await this.#table.next(options);
    const taken = { holder: this.#holder, nodeId: identity.nodeId, token, ttlMs };
    const written = await this.#table.write(name, taken, row?.version, options);
    if (written === undefined) return {};
    return new TableHold(this.#clock, this.#table, name, written, sentAt);
  }

  /** Nobody waits in a row, and what was taken without an answer runs out. */
  async withdraw(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #read(options: CallOptions): Promise<Row | undefined> {
    const row = await this.#table.read(this.#request.name, options);
    if (this.#seen?.version !== row?.version) this.#seen = { version: row?.version, at: this.#clock.now() };
    return row;
  }
}

class TableHold implements LeaseHold {
  readonly token: bigint;
  readonly sentAt: number;
  readonly usableFrom: number;
  readonly #clock: Clock;
  readonly #table: Table;
  readonly #name: string;
  readonly #row: Row;

  constructor(clock: Clock, table: Table, name: string, row: Row, sentAt: number) {
    this.#clock = clock;
    this.#table = table;
    this.#name = name;
    this.#row = row;
    this.token = row.token;
    this.sentAt = sentAt;
    // Who had it before gave it back, or let it run out: nobody may delete a row.
    this.usableFrom = sentAt;
  }

  async renew(options: CallOptions): Promise<number> {
    const sentAt = this.#clock.now();
    await this.#rewrite(this.#row, options);
    return sentAt;
  }

  /** The row stays, without a holder: the next one sees that it was given back, and needs to wait for nobody. */
  async release(options: CallOptions): Promise<void> {
    await this.#rewrite({ ...this.#row, holder: undefined }, options).catch((error: unknown) => {
      if (!(error instanceof ClusterError) || error.code !== 'NOT_FOUND') throw error;
    });
  }

  /** Read first, as the answer to a write before it may have been lost. The token tells this hold from any other. */
  async #rewrite(row: Row, options: CallOptions): Promise<void> {
    const found = await this.#table.read(this.#name, options);
    const isOwn = found !== undefined && found.token === this.token && found.holder !== undefined;
    const written = isOwn && (await this.#table.write(this.#name, row, found.version, options));
    if (written === false || written === undefined) throw new ClusterError('NOT_FOUND', `${this.#name} is over`);
  }
}
