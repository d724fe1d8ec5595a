/** A key as etcd tells it. */
export interface ModelKey {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
  readonly version: string;
  readonly lease: string;
}

export interface ModelEvent {
  readonly type: 'Put' | 'Delete';
  readonly kv: ModelKey;
}

interface ModelLease {
  readonly ttlMs: number;
  expiresAt: number;
}

export interface ModelRange {
  readonly key: Buffer;
  readonly range_end?: Buffer;
}

interface ModelOperation {
  readonly request_put?: { readonly key: Buffer; readonly value: Buffer; readonly lease: string };
  readonly request_delete_range?: ModelRange;
  readonly request_range?: ModelRange;
}

export interface ModelTransaction {
  readonly compare?: readonly { readonly key: Buffer; readonly create_revision: string }[];
  readonly success?: readonly ModelOperation[];
  readonly failure?: readonly ModelOperation[];
}

/** Keys, leases and history of an etcd, by its own rules, without members and network. */
export class EtcdModel {
  readonly #now: () => number;
  readonly #keys = new Map<string, ModelKey>();
  readonly #leases = new Map<string, ModelLease>();
  /** All events by revision; what came before `#compacted` is forgotten. */
  #history: { readonly revision: number; readonly events: readonly ModelEvent[] }[] = [];
  readonly #watchers = new Set<() => void>();
  #revision = 1;
  #compacted = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get revision(): number {
    return this.#revision;
  }

  get compacted(): number {
    return this.#compacted;
  }

  /** Called after each change, until disposed of. */
  onChange(call: () => void): Disposable {
    this.#watchers.add(call);
    return { [Symbol.dispose]: () => void this.#watchers.delete(call) };
  }

  range({ key, range_end }: ModelRange): readonly ModelKey[] {
    const isWithin = (at: Buffer) =>
      range_end === undefined ? at.equals(key) : at.compare(key) >= 0 && at.compare(range_end) < 0;
    return [...this.#keys.values()].filter((kv) => isWithin(kv.key)).sort((a, b) => a.key.compare(b.key));
  }

  transact({ compare = [], success = [], failure = [] }: ModelTransaction) {
    const succeeded = compare.every(({ key, create_revision }) => {
      return (this.#keys.get(String(key))?.create_revision ?? '0') === create_revision;
    });
    const operations = succeeded ? success : failure;
    for (const { request_put: put } of operations) {
      if (put !== undefined && put.lease !== '0' && !this.#leases.has(put.lease)) throw notFound();
    }
    const revision = this.#revision + 1;
    const events: ModelEvent[] = [];
    const responses = operations.map((operation) => this.#apply(operation, revision, events));
    this.#commit(revision, events);
    return { header: this.header, succeeded, responses };
  }

  get header(): { readonly revision: string } {
    return { revision: String(this.#revision) };
  }

  grant(id: string, seconds: number): void {
    if (this.#leases.has(id))
      throw Object.assign(new Error(), { code: 9, details: 'etcdserver: lease already exists' });
    this.#leases.set(id, { ttlMs: seconds * 1000, expiresAt: this.#now() + seconds * 1000 });
  }

  /** Seconds, and 0 of one that is over. */
  keepAlive(id: string): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.expiresAt = this.#now() + lease.ttlMs;
    return lease.ttlMs / 1000;
  }

  revoke(id: string): void {
    if (!this.#leases.delete(id)) throw notFound();
    const gone = [...this.#keys.values()].filter(({ lease }) => lease === id);
    if (gone.length > 0) this.transact({ success: gone.map(({ key }) => ({ request_delete_range: { key } })) });
  }

  /** Looks which leases are over, as etcd does now and then. */
  expire(): void {
    for (const [id, { expiresAt }] of this.#leases) if (expiresAt <= this.#now()) this.revoke(id);
  }

  /** A new leader of etcd gives every lease all of its time. */
  extendLeases(): void {
    for (const lease of this.#leases.values()) lease.expiresAt = this.#now() + lease.ttlMs;
  }

  compact(): void {
    this.#compacted = this.#revision;
    this.#history = [];
  }

  /** Events of keys in the range, from a revision on. */
  since(revision: number, { key, range_end }: ModelRange): readonly ModelEvent[] {
    const end = range_end ?? Buffer.concat([key, Buffer.of(0)]);
    return this.#history
      .filter((entry) => entry.revision >= revision)
      .flatMap(({ events }) => events)
      .filter(({ kv }) => kv.key.compare(key) >= 0 && kv.key.compare(end) < 0);
  }

  #apply(operation: ModelOperation, revision: number, events: ModelEvent[]): object {
    const { request_put: put, request_delete_range: gone, request_range: range } = operation;
    if (put !== undefined) {
      const former = this.#keys.get(String(put.key));
      const at = String(revision);
      const kv = { ...put, create_revision: former?.create_revision ?? at, mod_revision: at, version: '1' };
      this.#keys.set(String(put.key), kv);
      events.push({ type: 'Put', kv });
    }
    for (const { key } of gone === undefined ? [] : this.range(gone)) {
      this.#keys.delete(String(key));
      const empty = { value: Buffer.alloc(0), create_revision: '0', version: '0', lease: '0' };
      events.push({ type: 'Delete', kv: { ...empty, key, mod_revision: String(revision) } });
    }
    return range === undefined ? {} : { response_range: { kvs: this.range(range) } };
  }

  #commit(revision: number, events: readonly ModelEvent[]): void {
    if (events.length === 0) return;
    this.#revision = revision;
    this.#history.push({ revision, events });
    for (const call of this.#watchers) call();
  }
}

function notFound(): Error {
  return Object.assign(new Error(), { code: 5, details: 'etcdserver: requested lease not found' });
}
