import type { MonotonicMs, NodeId } from '@quorate/core';
import type { Changes } from './changes.ts';
import type { SwimCore } from './core.ts';
import type { LeftRumour, Rumour, SuspectRumour, UnreachableRumour } from './messages.ts';
import type { OwnRecord } from './own-record.ts';
import type { Prober, ProbeResult } from './prober.ts';
import { recordOf, withoutTime } from './records.ts';
import type { Suspicions } from './suspicions.ts';
import type { Evidence, MemberRecord, Version } from './types.ts';
import { isSameVersion, prevails, versionOf } from './version.ts';

/** What is said against members, by this node and by others, from the suspicion to the end. */
export class Accusations {
  readonly #core: SwimCore;
  readonly #own: OwnRecord;
  readonly #prober: Prober;
  readonly #suspicions: Suspicions;
  readonly #changes: Changes;

  constructor(parts: {
    readonly core: SwimCore;
    readonly own: OwnRecord;
    readonly prober: Prober;
    readonly suspicions: Suspicions;
    readonly changes: Changes;
  }) {
    this.#core = parts.core;
    this.#own = parts.own;
    this.#prober = parts.prober;
    this.#suspicions = parts.suspicions;
    this.#changes = parts.changes;
  }

  /**
   * This node has found for itself that a member doesn't answer.
   * @param since when it had the first reason to think so
   */
  accuse(target: MemberRecord, evidence: Evidence, since: MonotonicMs = this.#core.now): void {
    const known = this.#core.table.get(target.id);
    if (known === undefined || this.#own.isLeaving || !isSameVersion(known, versionOf(target))) return;
    const rumour = this.accusation(known, evidence);
    if (known.state === 'suspect') return this.#confirm(rumour);
    if (known.state !== 'alive') return;
    this.#core.stats.suspicions += 1;
    this.#begin(known, rumour, since);
  }

  /** What this node has to say against a member. */
  accusation(member: MemberRecord, evidence: Evidence): SuspectRumour {
    const { id } = member;
    return Object.freeze({ type: 'suspect', id, ...versionOf(member), by: this.#core.selfId, evidence });
  }

  /** What this node has seen for itself of a suspect. */
  ownEvidence(id: NodeId): Evidence | undefined {
    return this.#suspicions.ownEvidence(id);
  }

  suspect(rumour: SuspectRumour, sender: NodeId): void {
    const { id, by } = rumour;
    if (id === this.#core.selfId) return this.#own.refute(rumour, by);
    const known = this.#core.table.get(id);
    if (known === undefined) return;
    if (prevails(rumour, 'suspect', known)) this.#begin(known, rumour);
    else if (known.state === 'suspect' && isSameVersion(known, rumour)) this.#confirm(rumour);
    // Who has missed that it left is about to call it failed.
    else if (known.state === 'left' && by === sender) this.tell(sender, known);
  }

  unreachable(rumour: UnreachableRumour): void {
    if (rumour.id === this.#core.selfId) return this.#own.refute(rumour, rumour.by);
    const known = this.#core.table.get(rumour.id);
    if (known === undefined || !prevails(rumour, 'unreachable', known)) return;
    this.#changes.put(this.#accused(known, rumour, 'unreachable', rumour.evidence), known);
    this.#core.spread(rumour.id, rumour);
  }

  left(rumour: LeftRumour, sender: NodeId): void {
    // An earlier run of this node has left.
    if (rumour.id === this.#core.selfId) return this.#own.refute(rumour, sender);
    const known = this.#core.table.get(rumour.id);
    if (known === undefined || !prevails(rumour, 'left', known)) return;
    this.#changes.put(this.#accused(known, rumour, 'left'), known);
    this.#core.spread(rumour.id, rumour);
  }

  /** What is held against a member here, for the member itself to hear (Lifeguard's buddy system). */
  chargeAgainst(id: NodeId): Rumour | undefined {
    const known = this.#core.table.get(id);
    return known === undefined || known.state === 'alive' ? undefined : this.#rumourOf(known);
  }

  /** Looks for itself; the ping says what it is for, so that the suspect can refute it. */
  look(id: NodeId, whenOver: (result: ProbeResult, evidence: Evidence) => void): void {
    const known = this.#core.table.get(id);
    if (known === undefined) whenOver('unsure', 'silent');
    else this.#prober.confirm(known, whenOver);
  }

  /** Nobody has refuted the suspicion in its time. */
  giveUp(id: NodeId, evidence: Evidence): void {
    const known = this.#core.table.get(id);
    if (known?.state !== 'suspect' || this.#own.isLeaving) return;
    const rumour: UnreachableRumour = Object.freeze({
      type: 'unreachable',
      id,
      ...versionOf(known),
      by: this.#core.selfId,
      evidence,
    });
    this.unreachable(rumour);
  }

  #begin(known: MemberRecord, rumour: SuspectRumour, since: MonotonicMs = this.#core.now): void {
    this.#changes.put(this.#accused(known, rumour, 'suspect', rumour.evidence), known);
    this.#suspicions.begin(rumour.id, rumour.by, rumour.evidence, since);
    this.#core.spread(rumour.id, rumour);
  }

  #confirm(rumour: SuspectRumour): void {
    if (this.#suspicions.confirm(rumour.id, rumour.by, rumour.evidence)) this.#core.spread(rumour.id, rumour);
  }

  /** Tells one other what is held against a member here. */
  tellCharge(other: NodeId, id: NodeId): void {
    const to = this.#core.table.get(other);
    const charge = this.chargeAgainst(id);
    if (to !== undefined && charge !== undefined) this.#core.post(to, [charge]);
  }

  /** Tells one other what this node knows better than that one. */
  tell(other: NodeId, known: MemberRecord): void {
    const to = this.#core.table.get(other);
    if (to !== undefined && known.state !== 'suspect') this.#core.post(to, [this.#rumourOf(known)]);
  }

  /** What this node has in its table, as it would be heard. */
  #rumourOf(known: MemberRecord): Rumour {
    const { id, state, evidence = 'silent' } = known;
    if (state === 'alive') return Object.freeze({ type: state, member: withoutTime(known) });
    if (state === 'left') return Object.freeze({ type: state, id, ...versionOf(known) });
    const by = this.#core.selfId;
    return Object.freeze({ type: state, id, ...versionOf(known), by, evidence });
  }

  /** The member as it is once the accusation is believed. Of a version that it never described itself for, perhaps. */
  #accused(
    known: MemberRecord,
    heard: Version,
    state: 'suspect' | 'unreachable' | 'left',
    evidence?: Evidence,
  ): MemberRecord {
    const { evidence: _, ...rest } = known;
    const { epoch, run, refutation } = heard;
    const isNewer = !isSameVersion(known, heard);
    const next = {
      ...rest,
      state,
      epoch,
      incarnation: run,
      refutation,
      ...(evidence === undefined ? {} : { evidence }),
      ...(isNewer ? { describedIn: known.describedIn ?? versionOf(known) } : {}),
    };
    return recordOf(next, known, this.#core.now);
  }
}
