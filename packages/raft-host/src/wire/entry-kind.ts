import type { EntryType } from '@quorate/raft';

/** By `LogEntry.kind`. Kinds behind these are the host's own: what they mean is no matter of consensus. */
const TYPES: readonly EntryType[] = ['normal', 'conf-change', 'conf-change-v2'];

const KINDS: { readonly [T in EntryType]: number } = { normal: 0, 'conf-change': 1, 'conf-change-v2': 2 };

/** The kind under which the log keeps entries of this type. */
export function kindOf(type: EntryType): number {
  return KINDS[type];
}

/** What consensus takes an entry of this kind for. */
export function typeOf(kind: number): EntryType {
  return TYPES[kind] ?? 'normal';
}
