import { type ClusterNode, type NodeId, sameNode } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { AliveRumour } from './messages.ts';
import { withoutTime } from './records.ts';
import type { MemberRecord, Version } from './types.ts';
import { compareVersions, isBelievable, isSameRun, MAX_COUNT, versionOf } from './version.ts';

/** What this node says of itself: it alone makes new versions of it. */
export class OwnRecord {
  readonly #core: SwimCore;
  /** While it leaves it doesn't mind what is said of it, and says nothing against others. */
  isLeaving = false;

  constructor(core: SwimCore) {
    this.#core = core;
  }

  /** Whether it has its place in the order of joining. Before that it is nobody's member. */
  get hasJoined(): boolean {
    return this.#core.self.joinOrder > 0;
  }

  /** It has been alive since now, unless it was given a table that says otherwise. */
  start(): void {
    const { self, table, now } = this.#core;
    if (!this.hasJoined) table.put(Object.freeze({ ...self, since: now }));
  }

  /** For a packet of its own: who accused this node hears at once. */
  rumour(): AliveRumour {
    return Object.freeze({ type: 'alive', member: withoutTime(this.#core.self) });
  }

  /** Takes the place after all that were seen. */
  join(): void {
    if (!this.hasJoined) this.#renew({ joinOrder: Math.min(this.#core.table.highestJoinOrder + 1, MAX_COUNT) });
  }

  describe(node: ClusterNode): void {
    const { self } = this.#core;
    if (sameNode(self.node, node)) return;
    const wasElsewhere = self.address.host !== self.node.host || self.address.port !== self.node.port;
    const address = wasElsewhere ? self.address : { host: node.host, port: node.port };
    this.#renew({ node: Object.freeze({ ...node }), address });
  }

  /** Others say that this version of the node is suspect or dead: a newer one says otherwise. */
  refute(heard: Version, by: NodeId): void {
    const own = versionOf(this.#core.self);
    if (this.isLeaving || compareVersions(heard, own) < 0 || !isBelievable(heard, own)) return;
    if (isSameRun(heard, own)) {
      this.#core.health.change(1);
      this.#renew(nextVersion(heard));
    } else {
      this.supersede(heard);
    }
    this.#core.stats.refutations += 1;
    const accuser = this.#core.table.get(by);
    if (accuser !== undefined && by !== this.#core.selfId) this.#core.post(accuser, [this.rumour()]);
  }

  /** Others remember a run of this node that counts as later than this one: this is the later one all the same. */
  supersede(heard: Version): void {
    const own = versionOf(this.#core.self);
    if (compareVersions(heard, own) <= 0 || isSameRun(heard, own) || !isBelievable(heard, own)) return;
    this.#renew(nextEpoch(heard));
  }

  #renew(change: Partial<MemberRecord>): void {
    // Whoever heard that it left is not to hear of a newer version.
    if (this.isLeaving) return;
    const { self, table, host, selfId } = this.#core;
    const member: MemberRecord = Object.freeze({ ...self, ...nextVersion(self), ...change });
    table.put(member);
    if (this.hasJoined) this.#core.spread(selfId, this.rumour());
    const isSeen = change.node !== undefined || change.joinOrder !== undefined;
    if (isSeen) host.changed({ type: 'updated', member });
  }
}

type Counts = Pick<Version, 'epoch' | 'refutation'>;

function nextVersion({ epoch, refutation }: Counts): Counts {
  return refutation < MAX_COUNT ? { epoch, refutation: refutation + 1 } : nextEpoch({ epoch });
}

/** As readable as what was heard, whatever that was. */
function nextEpoch({ epoch }: Pick<Version, 'epoch'>): Counts {
  return { epoch: Math.min(epoch + 1, MAX_COUNT), refutation: 0 };
}
