import { isRecord } from '@quorate/engine-kubernetes';

export interface StoredLease {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface LeaseChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: StoredLease;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What the API server keeps of Leases: every write has a version, and is refused when its condition doesn't hold. */
export class LeaseApi {
  readonly watchers: Set<(change: LeaseChange) => void> = new Set();
  readonly #note: (text: string) => void;
  readonly #leases = new Map<string, StoredLease>();
  readonly #history: LeaseChange[] = [];
  #version = 1;
  #forgotten = 0;
  #uids = 0;

  /** @param note is told of each change */
  constructor(note: (text: string) => void = () => undefined) {
    this.#note = note;
  }

  get version(): number {
    return this.#version;
  }

  /** Whether what has changed since is known no more. */
  isForgotten(version: number): boolean {
    return version < this.#forgotten;
  }

  since(version: number): readonly LeaseChange[] {
    return this.#history.filter((change) => change.version > version);
  }

  forget(): void {
    this.#forgotten = this.#version;
    this.#history.length = 0;
  }

  get(name: string): StoredLease | undefined {
    return this.#leases.get(name);
  }

  list(name: string): ApiAnswer {
    const found = this.#leases.get(name);
    const metadata = { resourceVersion: String(this.#version) };
    return { status: 200, body: { kind: 'LeaseList', metadata, items: found === undefined ? [] : [found] } };
  }

  create(given: unknown): ApiAnswer {
    const name = nameOf(given);
    if (this.#leases.has(name)) return refusal(409, 'AlreadyExists');
    this.#uids += 1;
    return { status: 201, body: this.#write('ADDED', name, `uid-${this.#uids}`, given) };
  }

  update(name: string, given: unknown): ApiAnswer {
    const known = this.#leases.get(name);
    if (known === undefined) return refusal(404, 'NotFound');
    const metadata = isRecord(given) && isRecord(given['metadata']) ? given['metadata'] : {};
    if ((metadata['resourceVersion'] ?? known.metadata.resourceVersion) !== known.metadata.resourceVersion) {
      return refusal(409, 'Conflict');
    }
    return { status: 200, body: this.#write('MODIFIED', name, known.metadata.uid, given) };
  }

  delete(name: string): void {
    const known = this.#leases.get(name);
    if (known === undefined) return;
    this.#leases.delete(name);
    this.#record('DELETED', {
      ...known,
      metadata: { ...known.metadata, resourceVersion: String((this.#version += 1)) },
    });
  }

  #write(type: 'ADDED' | 'MODIFIED', name: string, uid: string, given: unknown): StoredLease {
    const fields = isRecord(given) ? given : {};
    const metadata = isRecord(fields['metadata']) ? fields['metadata'] : {};
    const stored = { ...fields, metadata: { ...metadata, name, uid, resourceVersion: String((this.#version += 1)) } };
    this.#leases.set(name, stored);
    this.#record(type, stored);
    return stored;
  }

  #record(type: LeaseChange['type'], object: StoredLease): void {
    const change = { type, version: this.#version, object };
    this.#history.push(change);
    this.#note(`${type} ${this.#version} ${JSON.stringify(object.spec)}`);
    for (const watcher of this.watchers) watcher(change);
  }
}

function nameOf(given: unknown): string {
  const metadata = isRecord(given) ? given['metadata'] : undefined;
  return isRecord(metadata) ? String(metadata['name']) : '';
}

function refusal(code: number, reason: string): ApiAnswer {
  return { status: code, body: { kind: 'Status', code, reason, message: reason } };
}
