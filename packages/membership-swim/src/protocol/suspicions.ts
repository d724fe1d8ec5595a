import type { MonotonicMs, NodeId } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { Deadline } from './deadlines.ts';
import { suspicionBounds, suspicionMs, type SuspicionBounds } from './formulas.ts';
import type { ProbeResult } from './prober.ts';
import type { Evidence } from './types.ts';

/** The most witnesses whose names are kept: more change nothing. */
const MAX_WITNESSES = 32;

interface Suspicion {
  readonly bounds: SuspicionBounds;
  readonly witnesses: Map<NodeId, Evidence>;
  beganAt: MonotonicMs;
  deadline: Deadline | undefined;
  /** Invariant: no deadline is set while this node looks once more. */
  isLooking: boolean;
}

/** What a suspicion has done. */
interface SuspicionActions {
  /** Looks for itself whether the suspect answers. */
  readonly look: (id: NodeId, whenOver: (result: ProbeResult, evidence: Evidence) => void) => void;
  readonly giveUp: (id: NodeId, evidence: Evidence) => void;
}

/** Whom this node suspects, since when, and who says so too (Lifeguard, section III-B). */
export class Suspicions {
  readonly #core: SwimCore;
  readonly #actions: SuspicionActions;
  readonly #suspicions = new Map<NodeId, Suspicion>();

  constructor(core: SwimCore, actions: SuspicionActions) {
    this.#core = core;
    this.#actions = actions;
  }

  /** @param since when this node had reason to: its time counts from then on */
  begin(id: NodeId, by: NodeId, evidence: Evidence, since: MonotonicMs = this.#core.now): void {
    this.end(id);
    const { settings, table } = this.#core;
    const bounds = suspicionBounds(settings, table.living);
    const witnesses = new Map([[by, evidence]]);
    const suspicion: Suspicion = { bounds, witnesses, beganAt: since, deadline: undefined, isLooking: false };
    this.#suspicions.set(id, suspicion);
    this.#schedule(id, suspicion);
  }

  /** Whether it is news: another witness who counts, or one who saw what others didn't. */
  confirm(id: NodeId, by: NodeId, evidence: Evidence): boolean {
    const suspicion = this.#suspicions.get(id);
    if (suspicion === undefined || suspicion.witnesses.size >= MAX_WITNESSES) return false;
    const { witnesses, bounds } = suspicion;
    const before = witnesses.get(by);
    if (before === evidence) return false;
    const isWitness = before === undefined && witnesses.size <= bounds.expected;
    const isUseful = isWitness || this.#tellsMore(suspicion, evidence);
    if (!isUseful && by !== this.#core.selfId) return false;
    testify(witnesses, by, evidence);
    if (before === undefined) this.#core.stats.confirmations += 1;
    this.#schedule(id, suspicion);
    return isUseful;
  }

  /** What this node has seen for itself. */
  ownEvidence(id: NodeId): Evidence | undefined {
    return this.#suspicions.get(id)?.witnesses.get(this.#core.selfId);
  }

  end(id: NodeId): void {
    this.#suspicions.get(id)?.deadline?.cancel();
    this.#suspicions.delete(id);
  }

  /** This node stood still for so long: what arrived meanwhile is to be heard first. */
  postpone(byMs: number): void {
    for (const [id, suspicion] of this.#suspicions) {
      suspicion.beganAt += byMs;
      this.#schedule(id, suspicion);
    }
  }

  #tellsMore({ witnesses }: Suspicion, evidence: Evidence): boolean {
    return this.#core.settings.weighsEvidence && evidence === 'stalled' && !isAmong(witnesses, 'stalled');
  }

  #schedule(id: NodeId, suspicion: Suspicion): void {
    if (suspicion.isLooking) return;
    const { settings, now, deadlines } = this.#core;
    suspicion.deadline?.cancel();
    const looksMs = this.#looksOnceMore(suspicion) ? settings.confirmDeadlineMs : 0;
    const at = Math.max(now, suspicion.beganAt + this.#lastsMs(suspicion) - looksMs);
    suspicion.deadline = deadlines.set(at, () => {
      if (looksMs > 0) this.#look(id, suspicion);
      else this.#over(id, suspicion);
    });
  }

  /** Nobody is so likely to have missed a refutation as who would give up alone. */
  #looksOnceMore({ witnesses }: Suspicion): boolean {
    const { settings, selfId } = this.#core;
    return settings.looksBeforeGivingUp && witnesses.get(selfId) !== 'refused';
  }

  #look(id: NodeId, suspicion: Suspicion): void {
    const lastedMs = this.#lastsMs(suspicion);
    suspicion.isLooking = true;
    this.#actions.look(id, (result, evidence) => {
      suspicion.isLooking = false;
      if (this.#suspicions.get(id) !== suspicion) return;
      if (result === 'failed') testify(suspicion.witnesses, this.#core.selfId, evidence);
      // Its refutation is on its way, or this node has to come to itself first.
      else suspicion.beganAt = this.#core.now;
      // This node, or another meanwhile, may have seen for the first time that it stands still.
      if (result === 'failed' && this.#lastsMs(suspicion) <= lastedMs) this.#over(id, suspicion);
      else this.#schedule(id, suspicion);
    });
  }

  #lastsMs(suspicion: Suspicion): number {
    const { settings, selfId } = this.#core;
    const { bounds, witnesses } = suspicion;
    const own = witnesses.get(selfId);
    const factor = own === undefined ? settings.hearsayFactor : 1;
    if (settings.weighsEvidence) {
      if (own === 'refused') return Math.min(settings.refusedSuspicionMs, bounds.shortestMs);
      if (isAmong(witnesses, 'stalled')) return bounds.longestMs * factor;
    }
    return suspicionMs(bounds, witnesses.size - 1) * factor;
  }

  #over(id: NodeId, { witnesses }: Suspicion): void {
    this.#suspicions.delete(id);
    this.#actions.giveUp(id, strongest(witnesses));
  }
}

/** Later evidence counts; but that nothing came back adds nothing to a connection that has ended, or a kernel that accepts. */
function testify(witnesses: Map<NodeId, Evidence>, by: NodeId, evidence: Evidence): void {
  const before = witnesses.get(by);
  if (evidence !== 'silent' || (before !== 'closed' && before !== 'stalled')) witnesses.set(by, evidence);
}

function isAmong(witnesses: ReadonlyMap<NodeId, Evidence>, evidence: Evidence): boolean {
  for (const each of witnesses.values()) if (each === evidence) return true;
  return false;
}

/** What names the failure: the most definite of what was seen. */
function strongest(witnesses: ReadonlyMap<NodeId, Evidence>): Evidence {
  const found = (['refused', 'closed', 'stalled'] as const).find((evidence) => isAmong(witnesses, evidence));
  return found ?? 'silent';
}
