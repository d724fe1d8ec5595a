import type { IEvent, IKeyValue } from 'etcd3';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { type EtcdEntry, MAX_LISTING_BYTES, rangeOf, readEntry } from '../src/etcd-entry.ts';
import { KeySet } from '../src/key-set.ts';

/** A history of one change each revision: a key that is written, or deleted. */
const histories = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), isGone: fc.boolean() }), {
  maxLength: 30,
});

interface Change {
  readonly key: string;
  readonly isGone: boolean;
}

function eventOf({ key, isGone }: Change, revision: number): IEvent {
  const kv: IKeyValue = {
    key: Buffer.from(key),
    value: isGone ? Buffer.alloc(0) : Buffer.from(String(revision)),
    create_revision: isGone ? '0' : String(revision),
    mod_revision: String(revision),
    version: isGone ? '0' : '1',
    lease: '0',
  };
  return { type: isGone ? 'Delete' : 'Put', kv } as unknown as IEvent;
}

function stateAt(history: readonly Change[], revision: number): readonly EtcdEntry[] {
  const entries = new Map<string, EtcdEntry>();
  history.slice(0, revision).forEach((change, at) => {
    if (change.isGone) entries.delete(change.key);
    else entries.set(change.key, readEntry(eventOf(change, at + 1).kv));
  });
  return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

it('a listing with what a watch told since is what a listing tells later, in whatever pieces it came', () => {
  fc.assert(
    fc.property(
      histories,
      fc.nat(30),
      fc.array(fc.nat(5), { maxLength: 30 }),
      fc.nat(5),
      (history, listed, sizes, overlap) => {
        const revision = Math.min(listed, history.length);
        const keys = new KeySet(
          { entries: stateAt(history, revision), revision: BigInt(revision), complete: true },
          100,
        );
        const events = history.map((change, at) => eventOf(change, at + 1));
        // A watch may begin with what is known already.
        let from = Math.max(0, revision - overlap);
        for (const size of [...sizes, history.length]) {
          keys.apply(events.slice(from, from + size));
          from += size;
        }
        expect(keys.listing.entries).toEqual(stateAt(history, history.length));
        expect(keys.revision).toBe(BigInt(history.length));
      },
    ),
  );
});

it('says whether anything is new, and holds no more than its limit', () => {
  const keys = new KeySet({ entries: [], revision: 0n, complete: true }, 2);
  const put = (key: string, revision: number) => keys.apply([eventOf({ key, isGone: false }, revision)]);
  expect([put('a', 1), put('a', 1), put('b', 2)]).toEqual([true, false, true]);
  expect(keys.listing.complete).toBe(true);
  expect([put('c', 3), put('d', 4)]).toEqual([true, false]);
  expect(keys.listing.entries.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(keys.listing.complete).toBe(false);
  expect(keys.apply([eventOf({ key: 'z', isGone: true }, 5)])).toBe(false);
});

it('holds no more bytes than may be held, whatever replaces what', () => {
  const large = (key: string, revision: number, bytes: number) => {
    const { kv } = eventOf({ key, isGone: false }, revision);
    return keys.apply([{ type: 'Put', kv: { ...kv, value: Buffer.alloc(bytes) } } as unknown as IEvent]);
  };
  const half = MAX_LISTING_BYTES / 2;
  const keys = new KeySet({ entries: [], revision: 0n, complete: true }, 100);
  expect([large('a', 1, half), large('b', 2, half), large('c', 3, 1)]).toEqual([true, true, true]);
  expect(keys.listing.entries.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(keys.listing.complete).toBe(false);
  // What grew too large is not told as it was before.
  expect(large('a', 4, half + 1)).toBe(true);
  expect(large('c', 5, half)).toBe(true);
  expect(keys.listing.entries.map(({ key }) => key)).toEqual(['b', 'c']);
});

it('the range of a prefix has what begins with it, and nothing else', () => {
  // Of one to four bytes, and next to each other.
  const unit = fc.constantFrom('\0', 'a', 'b', '\u007f', 'é', '\uffff', '\u{10ffff}');
  fc.assert(
    fc.property(fc.string({ unit, minLength: 1 }), fc.string({ unit }), (prefix, rest) => {
      const { key, range_end } = rangeOf(prefix);
      const isWithin = (text: string) =>
        Buffer.compare(Buffer.from(text), key) >= 0 && Buffer.compare(Buffer.from(text), range_end) < 0;
      expect(isWithin(prefix + rest)).toBe(true);
      expect(isWithin(rest)).toBe(Buffer.from(rest).subarray(0, key.length).equals(key));
    }),
  );
});
