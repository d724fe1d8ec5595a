import type { Clock } from '@quorate/core';
import type { LeaseView } from '@quorate/lease';
import { createWorld } from '@quorate/simulator';
import { expect, it } from 'vitest';

import type { EtcdClient, FollowOptions } from '../../src/etcd-client.ts';
import type { EtcdEntry, EtcdListing, KeySelection } from '../../src/etcd-entry.ts';
import { EtcdLeaseStore } from '../../src/leases/etcd-lease-store.ts';
import { encodeRecord } from '../../src/leases/lease-record.ts';

/** An etcd of which only what is followed is asked, and told as the test wants. */
class ToldEtcd {
  tell: (...entries: readonly EtcdEntry[]) => void = () => undefined;
  goes: (last: EtcdEntry) => void = () => undefined;
  #revision = 0n;

  follow(_keys: KeySelection, tell: (listing: EtcdListing) => void, options: FollowOptions): Promise<void> {
    this.goes = (last) => options.onGone?.(last);
    this.tell = (...entries) => {
      this.#revision += 1n;
      tell({ entries, revision: this.#revision, complete: true });
    };
    const { promise, resolve } = Promise.withResolvers<undefined>();
    options.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    return promise;
  }
}

function storeOn(etcd: ToldEtcd, clock: Clock): EtcdLeaseStore {
  const identity = { nodeId: 'a', incarnation: 1, claim: 0 };
  const request = { name: '/x', identity, ttlMs: 5_000, share: { kind: 'exclusive' } } as const;
  return new EtcdLeaseStore(request, { clock, client: etcd as unknown as EtcdClient });
}

const place: EtcdEntry = {
  key: '/x/1a',
  value: Buffer.from('theirs'),
  createRevision: 7n,
  modRevision: 7n,
  lease: '26',
};

function grant(modRevision: bigint, released = false): EtcdEntry {
  const record = { nodeId: 'b', incarnation: 1, claim: 0, kind: 'exclusive', ttlMs: 5_000, released } as const;
  return { key: '/x.~1a', value: encodeRecord(record), createRevision: 7n, modRevision, lease: '27' };
}

it('does not tell that a grant was renewed', () => {
  const etcd = new ToldEtcd();
  const views: LeaseView[] = [];
  const host = createWorld({ seed: 'store' }).host('a');
  host.start(() => undefined);
  void storeOn(etcd, host.system.clock).follow((view) => views.push(view), new AbortController());
  etcd.tell(place, grant(8n));
  etcd.tell(place, grant(9n));
  etcd.tell(place, grant(10n, true));
  expect(views.map(({ revision }) => revision)).toEqual([1n, 3n]);
});

it('tells of each change of who stands, also of one who came and went between two', () => {
  const etcd = new ToldEtcd();
  const views: LeaseView[] = [];
  const world = createWorld({ seed: 'store' });
  const host = world.host('a');
  host.start(() => undefined);
  void storeOn(etcd, host.system.clock).follow((view) => views.push(view), new AbortController());
  etcd.tell();
  etcd.tell(place, grant(7n));
  etcd.tell(place, grant(8n));
  etcd.goes(place);
  etcd.tell();
  // Both in one answer, as when a watch begins late.
  etcd.goes(place);
  etcd.tell();
  expect(views.map(({ holder, revision }) => `${holder?.nodeId} at ${revision}`)).toEqual([
    'undefined at 1',
    'theirs at 2',
    'undefined at 4',
    'undefined at 5',
  ]);
});

it('a queue that is too long to be known is refused', async () => {
  const etcd = new ToldEtcd();
  const host = createWorld({ seed: 'store' }).host('a');
  host.start(() => undefined);
  const store = storeOn(etcd, host.system.clock);
  etcd.follow = (_keys, tell, { signal }) => {
    tell({ entries: [place], revision: 9n, complete: false });
    return signal.aborted ? Promise.resolve() : Promise.reject(new Error('it goes on'));
  };
  const following = store.follow(() => expect.fail('told'), new AbortController());
  await expect(following).rejects.toMatchObject({ code: 'OVERLOADED' });
});
