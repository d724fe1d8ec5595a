import type { LeaseIdentity, LeaseShare } from '@quorate/lease';
import type { Acquired, TableView } from './lease-table.ts';

interface Of {
  readonly name: string;
  readonly identity: LeaseIdentity;
}

/** One to a connection. */
export type LeaseQuestion =
  | (Of & { readonly ask: 'acquire'; readonly share: LeaseShare; readonly ttlMs: number })
  | (Of & { readonly ask: 'renew' | 'release'; readonly token: number })
  | (Of & { readonly ask: 'withdraw' })
  | { readonly ask: 'follow'; readonly name: string; readonly heartbeatMs: number };

/** One, but for `follow`, which is answered by any number of views. */
export interface LeaseAnswer {
  readonly acquired?: Acquired;
  readonly retryMs?: number;
  readonly done?: boolean;
  readonly view?: TableView;
}

/** Texts in JSON, one a line, out of a stream of bytes. */
export class Lines<T> {
  readonly #decoder = new TextDecoder();
  #rest = '';

  push(bytes: Uint8Array): readonly T[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => JSON.parse(line) as T);
  }
}

export function lineOf(value: LeaseQuestion | LeaseAnswer): readonly Uint8Array[] {
  return [new TextEncoder().encode(`${JSON.stringify(value)}\n`)];
}
