import type { MonotonicMs, NodeId } from '@quorate/core';
import type { Accusations } from './accusations.ts';
import type { SwimCore } from './core.ts';
import { isLiving } from './member-table.ts';
import type { Message, SuspectRumour } from './messages.ts';
import type { OwnRecord } from './own-record.ts';
import type { Prober } from './prober.ts';
import type { Evidence, MemberRecord } from './types.ts';
import { compareVersions, isSameVersion, versionOf } from './version.ts';

/** How long what was found for another counts as seen, in times that looking takes. */
const FINDINGS_LAST = 2;

/** The most that are looked at for others at a time, as many as there are streams for. */
const MAX_LOOKED_INTO = 64;

interface Doubt {
  readonly doubted: MemberRecord;
  readonly since: MonotonicMs;
  /** Those that have not said anything against it. */
  readonly asked: Set<NodeId>;
  /** What others that were asked have found, so far. */
  readonly against: SuspectRumour[];
}

/** What this node found when another asked, as long as it is fresh. */
interface Finding {
  readonly member: MemberRecord;
  readonly evidence: Evidence;
}

/**
 * Between a probe that fails and the accusation. Whoever doubts a member looks once more and asks a few others to look, and
 * says nothing to anybody else if one of them gets an answer: where packets are lost nearly all who are doubted live, and
 * their accusations and refutations would fill the queues of all. A suspicion that comes of it counts from the beginning of
 * the doubt, so that the dead are given up no later.
 */
export class Doubts {
  readonly #core: SwimCore;
  readonly #own: OwnRecord;
  readonly #prober: Prober;
  readonly #accusations: Accusations;
  readonly #doubts = new Map<NodeId, Doubt>();
  /** Whom this node is looking at because others asked, and who they are. */
  readonly #lookedInto = new Map<NodeId, Set<NodeId>>();
  readonly #findings = new Map<NodeId, Finding>();

  constructor(parts: {
    readonly core: SwimCore;
    readonly own: OwnRecord;
    readonly prober: Prober;
    readonly accusations: Accusations;
  }) {
    this.#core = parts.core;
    this.#own = parts.own;
    this.#prober = parts.prober;
    this.#accusations = parts.accusations;
  }

  /** A probe of this node's own has failed. */
  begin(target: MemberRecord, evidence: Evidence): void {
    const { settings, table, now } = this.#core;
    const doubted = table.get(target.id);
    if (settings.confirmers === 0 || doubted?.state !== 'alive') return this.#accusations.accuse(target, evidence);
    if (this.#own.isLeaving || this.#doubts.has(target.id) || !isSameVersion(doubted, versionOf(target))) return;
    const doubt = { doubted, since: now, asked: this.#ask(doubted, evidence), against: [] };
    this.#doubts.set(target.id, doubt);
    this.#prober.confirm(doubted, (result, seen) => {
      if (this.#doubts.get(target.id) !== doubt) return;
      this.#doubts.delete(target.id);
      if (result === 'failed') this.#accuse(doubt, [evidence, seen]);
    });
  }

  /** A member is said to be suspect: to all, by one that was asked, or as a question. */
  heard(rumour: SuspectRumour, sender: NodeId): void {
    const { id, aside } = rumour;
    if (aside === 'question' && id !== this.#core.selfId) return this.#lookInto(rumour, sender);
    if (aside === 'answer') return this.#answered(rumour, sender);
    this.#accusations.suspect(rumour, sender);
    const finding = this.#findings.get(id);
    // What was said may be old, and nobody suspects it any more.
    if (finding !== undefined && this.#core.table.get(id)?.state === 'suspect')
      this.#accusations.accuse(finding.member, finding.evidence);
  }

  /** One that was asked has had an answer. */
  vouched(id: NodeId, run: number, by: NodeId): void {
    const doubt = this.#doubts.get(id);
    if (doubt?.doubted.incarnation === run && doubt.asked.has(by)) this.#doubts.delete(id);
  }

  #ask(doubted: MemberRecord, evidence: Evidence): Set<NodeId> {
    const { settings, selfId } = this.#core;
    const { id } = doubted;
    const question: Message = Object.freeze({
      ...this.#accusations.accusation(doubted, evidence),
      aside: 'question',
    });
    const fits = (other: MemberRecord): boolean => other.state === 'alive' && other.id !== selfId && other.id !== id;
    const asked = this.#core.helpers(settings.confirmers, fits);
    for (const confirmer of asked) this.#core.post(confirmer, [question]);
    return new Set(asked.map((confirmer) => confirmer.id));
  }

  #accuse({ doubted, since, against }: Doubt, found: readonly Evidence[]): void {
    for (const evidence of found) this.#accusations.accuse(doubted, evidence, since);
    for (const rumour of against) this.#testified(rumour);
  }

  /** Who has found the same says so to all as well, now that it is no doubt any more: at once, not when gossip comes by. */
  #testified(rumour: SuspectRumour): void {
    this.#accusations.suspect(rumour, rumour.by);
    this.#accusations.tellCharge(rumour.by, rumour.id);
  }

  /** Nobody answers another, either: it is said once this node has not had an answer itself. */
  #answered(answer: SuspectRumour, sender: NodeId): void {
    const { id, epoch, run, refutation, by, evidence } = answer;
    if (by !== sender) return;
    const rumour: SuspectRumour = Object.freeze({ type: 'suspect', id, epoch, run, refutation, by, evidence });
    const doubt = this.#doubts.get(id);
    const known = this.#core.table.get(id);
    if (known?.state === 'suspect' && isSameVersion(known, rumour)) this.#testified(rumour);
    else if (doubt?.asked.delete(by) === true) doubt.against.push(rumour);
  }

  /** Probes whom another doubts, and tells it what came of that. */
  #lookInto(rumour: SuspectRumour, asker: NodeId): void {
    const { id } = rumour;
    const { table } = this.#core;
    const known = table.get(id);
    // A stranger could not be told.
    if (known === undefined || this.#own.isLeaving || table.get(asker) === undefined) return;
    if (!isLiving(known.state) || compareVersions(versionOf(known), rumour) > 0) {
      return this.#accusations.tell(asker, known);
    }
    const seen = this.#accusations.ownEvidence(id);
    if (seen !== undefined && isSameVersion(known, rumour)) return this.#answer(asker, known, seen);
    const askers = this.#lookedInto.get(id);
    if (askers !== undefined) {
      askers.add(asker);
      return;
    }
    if (this.#lookedInto.size >= MAX_LOOKED_INTO) return;
    const all = new Set([asker]);
    this.#lookedInto.set(id, all);
    this.#prober.confirm(known, (result, evidence) => {
      this.#lookedInto.delete(id);
      if (result === 'answered') for (const each of all) this.#vouch(known, each);
      else if (result === 'failed') this.#found(known, evidence, all);
    });
  }

  #vouch(looked: MemberRecord, asker: NodeId): void {
    const { id, incarnation: run } = looked;
    const { table } = this.#core;
    const to = table.get(asker);
    if (to !== undefined) this.#core.post(to, [Object.freeze({ type: 'vouch', id, run })]);
    // Whom others suspect has told of a newer version of itself with its answer.
    const known = table.get(id);
    if (known !== undefined && !isSameVersion(known, versionOf(looked))) this.#accusations.tell(asker, known);
  }

  #found(member: MemberRecord, evidence: Evidence, askers: ReadonlySet<NodeId>): void {
    const known = this.#core.table.get(member.id);
    if (known === undefined) return;
    if (!isSameVersion(known, versionOf(member)) || !isLiving(known.state)) {
      for (const asker of askers) this.#accusations.tell(asker, known);
      return;
    }
    for (const asker of askers) this.#answer(asker, known, evidence);
    if (known.state === 'suspect') return this.#accusations.accuse(known, evidence);
    // For when one that asked has found the same, and says so to all.
    const finding = { member: known, evidence };
    this.#findings.set(known.id, finding);
    this.#core.after(FINDINGS_LAST * this.#core.settings.confirmDeadlineMs, () => {
      if (this.#findings.get(known.id) === finding) this.#findings.delete(known.id);
    });
  }

  #answer(asker: NodeId, suspect: MemberRecord, evidence: Evidence): void {
    const to = this.#core.table.get(asker);
    const said = this.#accusations.accusation(suspect, evidence);
    if (to !== undefined) this.#core.post(to, [Object.freeze({ ...said, aside: 'answer' })]);
  }
}
