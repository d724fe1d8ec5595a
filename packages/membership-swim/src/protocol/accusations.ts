import type { NodeId } from '@quorate/core';
import type { Changes } from './changes.ts';
import type { SwimCore } from './core.ts';
import { isLiving } from './member-table.ts';
import type { LeftRumour, Rumour, SuspectRumour, UnreachableRumour } from './messages.ts';
import type { OwnRecord } from './own-record.ts';
import type { Prober, ProbeResult } from './prober.ts';
import { recordOf, withoutTime } from './records.ts';
import type { Suspicions } from './suspicions.ts';
import type { Evidence, MemberRecord, Version } from './types.ts';
import { compareVersions, prevails, versionOf } from './version.ts';

/** What is said against members, by this node and by others, from the suspicion to the end. */
export class Accusations {
  readonly #core: SwimCore;
  readonly #own: OwnRecord;
  readonly #prober: Prober;
  readonly #suspicions: Suspicions;
  readonly #changes: Changes;
  /** Whom this node is looking at because another asked. */
  readonly #lookedInto = new Set<NodeId>();

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

  /** A probe of this node's own has failed: it suspects, and asks a few others to look for themselves. */
  accuse(target: MemberRecord, evidence: Evidence): void {
    const known = this.#core.table.get(target.id);
    if (known === undefined || this.#own.isLeaving || !isSameVersion(known, versionOf(target))) return;
    const rumour = accusation(known.id, versionOf(known), this.#core.selfId, evidence);
    if (known.state === 'alive') {
      this.#core.stats.suspicions += 1;
      this.#begin(known, rumour);
      this.#askOthers(rumour);
    } else if (known.state === 'suspect') {
      this.#confirm(rumour);
    }
  }

  suspect(rumour: SuspectRumour, sender: NodeId): void {
    const { id, by, evidence, asks } = rumour;
    if (id === this.#core.selfId) return this.#own.refute(rumour, by);
    const known = this.#core.table.get(id);
    if (known === undefined) return;
    const passedOn = asks === true ? accusation(id, rumour, by, evidence) : rumour;
    if (prevails(rumour, 'suspect', known)) this.#begin(known, passedOn);
    else if (known.state === 'suspect' && isSameVersion(known, rumour)) this.#confirm(passedOn);
    if (asks === true) this.#lookInto(id, rumour, sender);
    // Who has missed that it left is about to call it failed.
    else if (known.state === 'left' && by === sender) this.#tell(sender, known);
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

  #begin(known: MemberRecord, rumour: SuspectRumour): void {
    this.#changes.put(this.#accused(known, rumour, 'suspect', rumour.evidence), known);
    this.#suspicions.begin(rumour.id, rumour.by, rumour.evidence);
    this.#core.spread(rumour.id, rumour);
  }

  #confirm(rumour: SuspectRumour): void {
    if (this.#suspicions.confirm(rumour.id, rumour.by, rumour.evidence)) this.#core.spread(rumour.id, rumour);
  }

  #askOthers(rumour: SuspectRumour): void {
    const { settings, selfId } = this.#core;
    const request: SuspectRumour = Object.freeze({ ...rumour, asks: true });
    const fits = ({ id, state }: MemberRecord): boolean => state === 'alive' && id !== selfId && id !== rumour.id;
    for (const confirmer of this.#core.helpers(settings.confirmers, fits)) this.#core.post(confirmer, [request]);
  }

  /** Probes a suspect because another asked, and tells it what came of that. */
  #lookInto(id: NodeId, heard: Version, asker: NodeId): void {
    const known = this.#core.table.get(id);
    if (known === undefined || this.#own.isLeaving) return;
    if (!isLiving(known.state) || compareVersions(versionOf(known), heard) > 0) return this.#tell(asker, known);
    const seen = this.#suspicions.ownEvidence(id);
    if (seen !== undefined) return this.#answer(asker, known, seen);
    if (this.#lookedInto.has(id)) return;
    this.#lookedInto.add(id);
    this.#prober.confirm(known, (result, evidence) => {
      this.#lookedInto.delete(id);
      this.#looked(known, asker, result, evidence);
    });
  }

  #looked(target: MemberRecord, asker: NodeId, result: ProbeResult, evidence: Evidence): void {
    const known = this.#core.table.get(target.id);
    if (known === undefined || result === 'unsure') return;
    // Who answered has told of a newer version of itself with its answer.
    if (result === 'answered' || !isSameVersion(known, versionOf(target))) return this.#tell(asker, known);
    this.accuse(target, evidence);
    this.#answer(asker, known, evidence);
  }

  #answer(asker: NodeId, suspect: MemberRecord, evidence: Evidence): void {
    const to = this.#core.table.get(asker);
    if (to === undefined) return;
    this.#core.post(to, [accusation(suspect.id, versionOf(suspect), this.#core.selfId, evidence)]);
  }

  #tell(asker: NodeId, known: MemberRecord): void {
    const to = this.#core.table.get(asker);
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

function accusation(id: NodeId, version: Version, by: NodeId, evidence: Evidence): SuspectRumour {
  const { epoch, run, refutation } = version;
  return Object.freeze({ type: 'suspect', id, epoch, run, refutation, by, evidence });
}

function isSameVersion(known: MemberRecord, version: Version): boolean {
  return compareVersions(versionOf(known), version) === 0;
}
