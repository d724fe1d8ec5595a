import type { MonotonicMs, NodeId } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { Deadline } from './deadlines.ts';
import { isLiving } from './member-table.ts';
import type { Message } from './messages.ts';
import { ProbeOrder } from './probe-order.ts';
import { ToldLateness } from './told-lateness.ts';
import type { Destination, Evidence, MemberRecord, StreamOutcome } from './types.ts';

/** What a probe came to. `unsure`: this node itself was not well. */
export type ProbeResult = 'answered' | 'failed' | 'unsure';

interface ProbePlan {
  readonly target: MemberRecord;
  /** When a ping is sent, from the beginning. */
  readonly pingsAtMs: readonly number[];
  /** When others and the stream are tried beside it. */
  readonly widensAtMs: number;
  readonly lastsMs: number;
  readonly asksOthers: boolean;
  /** Whether its result speaks for or against this node's own health. */
  readonly judgesHealth: boolean;
  /** What silence means. */
  readonly silence: Evidence;
  /** Whether only the very run that is probed may answer. */
  readonly isForRun: boolean;
  readonly whenOver: (result: ProbeResult, evidence: Evidence) => void;
}

interface Probe extends ProbePlan {
  readonly sequence: number;
  readonly beganAt: MonotonicMs;
  readonly deadlines: Deadline[];
  readonly relays: Set<NodeId>;
  readonly nacked: Set<NodeId>;
  evidence: Evidence;
}

/** Probes the others: one a round, and whom there is a reason to probe. */
export class Prober {
  readonly #core: SwimCore;
  readonly #order: ProbeOrder;
  readonly #whenFailed: (target: MemberRecord, evidence: Evidence) => void;
  readonly #chargeAgainst: (id: NodeId) => Message | undefined;
  readonly #probes = new Map<number, Probe>();
  readonly #lateness = new ToldLateness();
  #round: Deadline | undefined;
  #isStopped = false;

  constructor(
    core: SwimCore,
    judge: {
      readonly whenFailed: (target: MemberRecord, evidence: Evidence) => void;
      readonly chargeAgainst: (id: NodeId) => Message | undefined;
    },
  ) {
    this.#core = core;
    this.#order = new ProbeOrder(core.random);
    this.#whenFailed = judge.whenFailed;
    this.#chargeAgainst = judge.chargeAgainst;
  }

  /** Nodes that start together don't probe together. */
  start(): void {
    const { random, settings } = this.#core;
    this.#round = this.#core.after(random.next() * settings.probeIntervalMs, () => this.#nextRound());
  }

  /** Nobody is probed any more, whatever the reason: who asks hears nothing of it. */
  stop(): void {
    this.#round?.cancel();
    this.cancelAll();
    this.#isStopped = true;
  }

  /** Probes under way are no evidence any more: this node stood still. */
  cancelAll(): void {
    for (const probe of this.#probes.values()) this.#end({ ...probe, judgesHealth: false }, 'unsure');
  }

  /** A reason has come to probe a member: everything is tried at once. */
  examine(target: MemberRecord): void {
    for (const { target: known, widensAtMs, asksOthers } of this.#probes.values()) {
      // What comes of a look is for who asked for it.
      if (known.id === target.id && widensAtMs === 0 && asksOthers) return;
    }
    this.#begin({ ...this.#usual(target), widensAtMs: 0, silence: 'closed' });
  }

  /** Looks for itself, at once, whether one answers that is doubted or suspected here, or by another that asked. */
  confirm(target: MemberRecord, whenOver: (result: ProbeResult, evidence: Evidence) => void): void {
    this.#begin({ ...this.#urgent(target), whenOver });
  }

  /** Whether the very run of the node is there that is known, at its address. */
  challenge(target: MemberRecord, whenOver: (result: ProbeResult, evidence: Evidence) => void): void {
    this.#begin({ ...this.#urgent(target), isForRun: true, whenOver });
  }

  acknowledged(sequence: number, sender: NodeId, run: number, loopDelayMs: number): void {
    const probe = this.#probes.get(sequence);
    if (probe === undefined) return;
    const { target, isForRun, relays } = probe;
    const isTarget = sender === target.id && (!isForRun || run === target.incarnation);
    if (!isTarget && !relays.has(sender)) return;
    if (isTarget) this.#core.host.probed?.(this.#core.now - probe.beganAt);
    this.#lateness.note(target.id, loopDelayMs);
    this.#end(probe, 'answered');
  }

  nacked(sequence: number, sender: NodeId): void {
    const probe = this.#probes.get(sequence);
    if (probe?.relays.has(sender) === true) probe.nacked.add(sender);
  }

  streamProbed(sequence: number, outcome: StreamOutcome): void {
    const probe = this.#probes.get(sequence);
    if (probe === undefined) return;
    // A transport knows its peers by their ids: it doesn't tell one run from another.
    if (outcome === 'acknowledged' && !probe.isForRun) this.#end(probe, 'answered');
    if (outcome === 'accepted') probe.evidence = 'stalled';
    if (outcome === 'refused') {
      probe.evidence = 'refused';
      // Its machine says so at once: there is nothing to wait for, where that is believed.
      if (this.#core.settings.weighsEvidence) this.#end(probe, 'failed');
    }
  }

  /** One ping; whoever is suspected is told so with it (Lifeguard's buddy system). */
  ping(to: Destination, sequence: number): void {
    this.#core.send(to, this.#pingOf(to, sequence));
  }

  #ping({ target, sequence }: Probe, isUnanswered: boolean): void {
    const messages = this.#pingOf(target, sequence);
    if (isUnanswered) this.#core.send(target, messages, false);
    else this.#core.send(target, messages);
  }

  #pingOf(to: Destination, sequence: number): readonly Message[] {
    const ping: Message = Object.freeze({ type: 'ping', sequence, target: to.id });
    const charge = this.#chargeAgainst(to.id);
    return charge === undefined ? [ping] : [charge, ping];
  }

  #nextRound(): void {
    const { settings, health } = this.#core;
    this.#round = this.#core.after(settings.probeIntervalMs * health.factor, () => this.#nextRound());
    const target = this.#nextTarget();
    if (target !== undefined) this.#begin(this.#usual(target));
  }

  #nextTarget(): MemberRecord | undefined {
    const { table, selfId } = this.#core;
    if (table.living < 2) return undefined;
    // Twice: what is left of this round, and all of the next.
    for (let tries = 2 * table.places; tries > 0; tries -= 1) {
      const member = table.at(this.#order.next(table.places));
      if (member !== undefined && member.id !== selfId && isLiving(member.state)) return member;
    }
    return undefined;
  }

  #usual(target: MemberRecord): ProbePlan {
    const { settings, health } = this.#core;
    const { pingsPerProbe, probeTimeoutMs, probeDeadlineMs } = settings;
    const timeoutMs = probeTimeoutMs * health.factor;
    // Who is busy, and says so, is given as much more time; once, until it answers again.
    const patienceMs = Math.min(this.#lateness.of(target.id), settings.latePatienceMs);
    return {
      target,
      pingsAtMs: spaced(pingsPerProbe, timeoutMs),
      widensAtMs: timeoutMs,
      lastsMs: probeDeadlineMs * health.factor + patienceMs,
      asksOthers: true,
      judgesHealth: true,
      silence: 'silent',
      isForRun: false,
      whenOver: (result, evidence) => {
        if (result !== 'failed') return;
        this.#lateness.forget(target.id);
        this.#whenFailed(target, evidence);
      },
    };
  }

  #urgent(target: MemberRecord): Omit<ProbePlan, 'whenOver'> {
    const lastsMs = this.#core.settings.confirmDeadlineMs;
    return {
      target,
      pingsAtMs: spaced(3, lastsMs),
      widensAtMs: 0,
      lastsMs,
      asksOthers: false,
      judgesHealth: false,
      silence: 'silent',
      isForRun: false,
    };
  }

  #begin(plan: ProbePlan): void {
    if (this.#isStopped) return;
    const { now, stats } = this.#core;
    const sequence = this.#core.nextSequence();
    const probe: Probe = {
      ...plan,
      sequence,
      beganAt: now,
      deadlines: [],
      relays: new Set(),
      nacked: new Set(),
      evidence: plan.silence,
    };
    stats.probes += 1;
    this.#probes.set(sequence, probe);
    for (const at of plan.pingsAtMs) this.#later(probe, at, () => this.#ping(probe, at > 0));
    this.#later(probe, plan.widensAtMs, () => this.#widen(probe));
    this.#later(probe, plan.lastsMs, () => this.#timedOut(probe));
  }

  #later(probe: Probe, delayMs: number, action: () => void): void {
    if (delayMs === 0) action();
    else probe.deadlines.push(this.#core.after(delayMs, action));
  }

  #widen(probe: Probe): void {
    const { settings, host, stats, selfId, now } = this.#core;
    const { target, sequence } = probe;
    if (probe.asksOthers && settings.indirectProbes > 0) {
      const request: Message = Object.freeze({
        type: 'ping-request',
        sequence,
        target: target.id,
        run: target.incarnation,
        address: target.address,
      });
      const fits = ({ id, state }: MemberRecord): boolean => state === 'alive' && id !== selfId && id !== target.id;
      for (const relay of this.#core.helpers(settings.indirectProbes, fits)) {
        probe.relays.add(relay.id);
        stats.indirectProbes += 1;
        this.#core.send(relay, [request]);
      }
    }
    if (!settings.streamProbes) return;
    stats.streamProbes += 1;
    // It is to end before the probe does.
    host.probeStream(target, sequence, (probe.beganAt + probe.lastsMs - now) * 0.95);
  }

  #timedOut(probe: Probe): void {
    const { host, settings } = this.#core;
    // A node whose own timers run late has read its answers late.
    this.#end(probe, host.loopDelayMs() > settings.pauseBoundMs ? 'unsure' : 'failed');
  }

  #end(probe: Probe, result: ProbeResult): void {
    this.#probes.delete(probe.sequence);
    for (const deadline of probe.deadlines) deadline.cancel();
    if (result === 'failed') this.#core.stats.failedProbes += 1;
    if (probe.judgesHealth) this.#core.health.change(this.#healthChange(probe, result));
    probe.whenOver(result, probe.evidence);
  }

  /**
   * Lifeguard, section III-A: a failed probe counts against this node by the nacks that did not come. Not by those of members
   * that are suspected by now: where half of the cluster is gone, that tells nothing of this node.
   */
  #healthChange({ relays, nacked, evidence }: Probe, result: ProbeResult): number {
    if (result === 'answered') return -1;
    // Its machine has answered: there was no time for nacks, and this node is as well as it was.
    if (evidence === 'refused') return 0;
    if (result === 'unsure' || relays.size === 0) return 1;
    const { settings, table } = this.#core;
    const isThere = (id: NodeId): boolean => !settings.reliesOnReachable || table.get(id)?.state === 'alive';
    return [...relays].filter((id) => !nacked.has(id) && isThere(id)).length;
  }
}

function spaced(count: number, withinMs: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => (at * withinMs) / count);
}
