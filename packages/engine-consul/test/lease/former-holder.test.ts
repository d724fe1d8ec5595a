import { describe, expect, it } from 'vitest';

import { FormerHolder } from '../../src/lease/former-holder.ts';
import type { LockEntry } from '../../src/lease/lock-entry.ts';
import type { LockRecord } from '../../src/lease/lock-record.ts';

const OWN = 'own';
let index = 1n;

function entry(session: string | undefined, record: LockRecord | undefined): LockEntry {
  index += 1n;
  return { modifyIndex: index, session, record, name: undefined, isSemaphore: false };
}

function record(ttlMs: number): LockRecord {
  return { state: 'held', holder: { nodeId: 'a', incarnation: 1, claim: 0 }, ttlMs };
}

const held = (session: string, ttlMs = 1_000) => entry(session, record(ttlMs));
/** As Consul leaves it when a session has ended. */
const lost = (ttlMs = 1_000) => entry(undefined, record(ttlMs));
const free = () => entry(undefined, { state: 'free' });
const foreign = (session: string | undefined) => entry(session, undefined);
const fresh = (ttlMs: number) => entry(undefined, { state: 'new', ttlMs });

/** What was seen, every 100 ms from 0 on; then from when on the lease can be used. */
function over(seen: readonly (LockEntry | undefined)[], keepsKey = true): number {
  const former = new FormerHolder(keepsKey);
  seen.forEach((each, at) => former.see(each, at * 100, OWN));
  return former.over;
}

describe('who had a lock before', () => {
  for (const [what, seen, expected] of [
    ['nobody was seen', [], -Infinity],
    ['it was given back', [held('a'), free()], -Infinity],
    ['its session ended', [held('a'), lost(), lost()], 1_100],
    ['its session ended before anybody looked: the lock-delay is over, or nobody gets it', [lost()], -Infinity],
    ['its key was deleted', [held('a'), undefined, undefined], 1_100],
    ['its key was deleted, and is there again', [held('a'), undefined, fresh(900)], 1_100],
    ['its key was deleted before anybody looked, as whoever made the new one says', [fresh(900)], 900],
    ['the same record, seen again', [fresh(900), undefined, undefined], 900],
    ['a new key where nobody was', [fresh(0)], 0],
    ['another of ours got it, who passes on what it has to', [held('a', 5_000), held('b'), free()], -Infinity],
    ['another of ours got it, and lost it', [held('a'), held('b', 3_000), lost(3_000)], 3_200],
    ['somebody else has got it, be it that the key was deleted', [held('a'), foreign('x')], 1_100],
    ['somebody else had it, and has given it back', [foreign('x'), foreign(undefined)], -Infinity],
    ['somebody else had it, and deleted it', [foreign('x'), undefined], -Infinity],
    ['somebody wrote into the key that it holds', [held('a'), foreign('a'), undefined], 1_200],
    ['it was this one', [held(OWN), undefined], -Infinity],
  ] as const) {
    it(what, () => expect(over(seen)).toBe(expected));
  }

  it('a key that is taken away when it is given back tells nothing by being gone', () => {
    expect(over([held('a'), undefined], false)).toBe(-Infinity);
    expect(over([held('a'), lost()], false)).toBe(1_100);
  });
});
