import {
  abortError,
  Backoff,
  BaseLocks,
  type ClusterContext,
  ClusterError,
  type HeldLock,
  isClusterError,
  type LockRequest,
  type LockSupport,
  type MonotonicMs,
  settleWithin,
  sleep,
  telemetryOf,
} from '@quorate/core';
import {
  type HasMembers,
  type HasOperations,
  type RaftMembers,
  type RaftOperations,
  type SharedGroup,
  sharedGroup,
} from '@quorate/raft-host';
import { ExpiryWatch } from './expiry-watch.ts';
import type { ClaimState, Holder, LockCommand, LockResult } from './lock-command.ts';
import { LockDesk, type LockGroup } from './lock-desk.ts';
import { type Claim, LockMachine } from './lock-machine.ts';
import { LockReleases } from './lock-releases.ts';
import { LockRenewals } from './lock-renewals.ts';
import { OpenClaim } from './open-claim.ts';
import { LOCK_GROUP, type LockGroupUse } from './options.ts';

const OWNER = 'lock-raft';
/** A lock outlives several elections of a leader: they must not cost anybody a lock. */
const ELECTIONS_PER_TTL = 10;
/** How long a command is waited for, in election times, before it is sent again. */
const ELECTIONS_PER_CALL = 5;
/** How long a node that stops tries to give its locks back, in election times. */
const ELECTIONS_TO_CLOSE = 2;

/** `Locks` in the state of a Raft group. */
export class RaftLocks extends BaseLocks implements HasMembers, HasOperations {
  readonly supports: LockSupport = { fair: true, shared: true, semaphore: true };
  readonly #context: ClusterContext;
  readonly #electionMs: number;
  readonly #shared: SharedGroup;
  readonly #holder: Holder;
  readonly #desk: LockDesk;
  readonly #renewals: LockRenewals;
  readonly #releases: LockReleases;
  readonly #expiry: ExpiryWatch;
  /** What this node asks for, waits for or has, by number. */
  readonly #open = new Map<number, OpenClaim>();
  readonly #acquiring = new Set<Promise<unknown>>();
  #lastNumber = 0;
  #group: LockGroup | undefined;
  #machine: LockMachine | undefined;

  constructor(context: ClusterContext, use: LockGroupUse) {
    super(OWNER, context.clock, telemetryOf(context));
    this.#context = context;
    this.#electionMs = use.settings.timings.electionMs;
    this.#holder = { nodeId: context.self.id, incarnation: context.incarnation };
    this.#shared = sharedGroup(context, LOCK_GROUP);
    this.#shared.join({ ...use, machine: () => this.#newMachine() });
    this.#desk = new LockDesk(
      context,
      () => this.#group,
      () => this.#nudged(),
    );
    this.#renewals = new LockRenewals({
      system: context,
      open: () => this.#open.values(),
      send: (claims, timeoutMs) => this.#renew(claims, timeoutMs),
      renewed: (claim, state, sentAt) => this.#renewed(claim, state, sentAt),
    });
    this.#releases = new LockReleases(context, async (claims) => this.#sendRelease(claims));
    this.#expiry = new ExpiryWatch(context.clock, this.#electionMs, async () => this.#proposeExpiry());
  }

  get raftMembers(): RaftMembers {
    return this.#started().members;
  }

  get raftOperations(): RaftOperations {
    return this.#started().operations;
  }

  protected async open(): Promise<void> {
    this.#group = await this.#shared.start();
    this.#group.users.stand(this, true);
  }

  protected async acquire(
    request: LockRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<HeldLock | undefined> {
    const ttlMs = Math.max(request.ttlMs, ELECTIONS_PER_TTL * this.#electionMs);
    const taking = this.#take({ ...request, ttlMs }, signal);
    const settled = taking.catch(() => undefined);
    this.#acquiring.add(settled);
    void settled.then(() => this.#acquiring.delete(settled));
    return await taking;
  }

  protected async close(released: Promise<unknown>): Promise<void> {
    await Promise.all(this.#acquiring);
    this.#renewals[Symbol.dispose]();
    this.#expiry[Symbol.dispose]();
    await this.#releases.end(released, ELECTIONS_TO_CLOSE * this.#electionMs);
    this.#desk[Symbol.dispose]();
    this.#group?.users.stand(this, false);
    await this.#shared.leave();
  }

  async #take(request: LockRequest, signal: AbortSignal): Promise<HeldLock | undefined> {
    for (;;) {
      const claim = this.#newClaim(request);
      // oxlint-disable-next-line no-await-in-loop -- again only where the place in the queue was lost
      const taken = await this.#enter(claim, signal).catch((error: unknown) => {
        claim.giveUp();
        throw error;
      });
      if (taken !== 'gone') return taken;
    }
  }

  #newClaim(request: LockRequest): OpenClaim {
    this.#lastNumber += 1;
    const { clock } = this.#context;
    const { nodeId } = this.#holder;
    const onEnd = async ({ number, overAt }: OpenClaim): Promise<void> => {
      this.#open.delete(number);
      await this.#releases.add(number, overAt);
    };
    const claim = new OpenClaim({ number: this.#lastNumber, request, clock, nodeId, onEnd });
    this.#open.set(claim.number, claim);
    return claim;
  }

  /** Has the claim entered in the log, and waits for its turn. */
  async #enter(claim: OpenClaim, signal: AbortSignal): Promise<HeldLock | 'gone' | undefined> {
    const { name } = claim.request;
    const { result, sentAt } = await this.#ask(claim, signal);
    switch (result.type) {
      case 'held':
      case 'waiting':
        break;
      case 'taken':
        this.#open.delete(claim.number);
        return undefined;
      case 'misfit':
        throw new ClusterError('INVALID_OPTIONS', `${OWNER}: ${name} is in use, and not as what is asked for`);
      case 'full':
        throw new ClusterError('OVERLOADED', `${OWNER}: ${name} can't be had: ${result.what}`);
      case 'renewed':
      case 'done':
        throw new ClusterError('PROTOCOL', `${OWNER}: ${name} was answered with ${result.type}`);
    }
    this.#renewed(claim, result, sentAt);
    // Its turn may have come while the answer was on its way.
    this.#look(claim);
    return await settleWithin(signal, `${OWNER}: wait for ${name}`, (resolve) => {
      void claim.outcome.then(resolve);
      return () => undefined;
    });
  }

  /** Asks until the answer is known: the log takes a claim once, however often it is asked. */
  async #ask(
    claim: OpenClaim,
    signal: AbortSignal,
  ): Promise<{ readonly result: LockResult; readonly sentAt: MonotonicMs }> {
    const { clock, random } = this.#context;
    const { name, share, ttlMs, waits } = claim.request;
    const command = { type: 'acquire', holder: this.#holder, claim: claim.number, name, share, ttlMs, waits } as const;
    const backoff = new Backoff(random, { baseMs: 20, maxMs: 1000 });
    for (;;) {
      if (signal.aborted) throw abortError(signal, `${OWNER}: wait for ${name}`);
      const sentAt = clock.now();
      try {
        // oxlint-disable-next-line no-await-in-loop -- until one attempt is answered
        return { result: await this.#send(command, signal), sentAt };
      } catch (error) {
        if (isClusterError(error, 'INVALID_OPTIONS')) throw error;
      }
      // oxlint-disable-next-line no-await-in-loop -- before the next one
      await sleep(clock, backoff.next(), { signal });
    }
  }

  #send(command: LockCommand, signal?: AbortSignal): Promise<LockResult> {
    const timeoutMs = ELECTIONS_PER_CALL * this.#electionMs;
    return this.#desk.send(command, signal === undefined ? { timeoutMs } : { timeoutMs, signal });
  }

  async #renew(claims: readonly number[], timeoutMs: number): Promise<readonly ClaimState[]> {
    const result = await this.#desk.send({ type: 'renew', holder: this.#holder, claims }, { timeoutMs });
    if (result.type !== 'renewed') throw new ClusterError('PROTOCOL', `${OWNER}: a renewal that is ${result.type}`);
    return result.states;
  }

  async #sendRelease(claims: readonly number[]): Promise<void> {
    await this.#send({ type: 'release', holder: this.#holder, claims });
  }

  async #proposeExpiry(): Promise<boolean> {
    const { role, phase } = this.#started().status;
    if (role === 'leader') await this.#send({ type: 'expire' });
    return phase === 'running';
  }

  /** The log says how a claim stands, having a sign of it that was sent then. */
  #renewed(claim: OpenClaim, state: ClaimState, sentAt: MonotonicMs): void {
    if (this.#open.get(claim.number) !== claim) return;
    if (state.type === 'gone') {
      this.#lost(claim);
      return;
    }
    if (!claim.signed(sentAt, state)) return;
    this.#renewals.added(claim);
    if (state.type === 'held' && !claim.granted(state.token)) this.#renewals.hurry();
  }

  #lost(claim: OpenClaim): void {
    this.#open.delete(claim.number);
    claim.lost();
  }

  /**
   * How a claim that is in the log stands there, as far as this node has applied it. That may be less far than what the
   * log has answered, and of a claim that had run out, and came in again because it was asked for again: what it had
   * then is not what it is granted now.
   */
  #look(claim: OpenClaim): void {
    if (this.#machine === undefined) return;
    const state = this.#machine.stateOf(this.#holder, claim.number);
    if (state.type !== 'held' || !claim.isNews(state.token)) return;
    if (!claim.granted(state.token)) this.#renewals.hurry();
  }

  #started(): LockGroup {
    if (this.#group === undefined) throw new ClusterError('CLOSED', `${OWNER} is not started`);
    return this.#group;
  }

  #newMachine(): LockMachine {
    const machine = new LockMachine({
      changed: (claims) => this.#changed(machine, claims),
      restored: () => this.#restored(machine),
    });
    this.#machine = machine;
    return machine;
  }

  #changed(machine: LockMachine, claims: readonly Claim[]): void {
    this.#expiry.applied(machine);
    const others: Claim[] = [];
    for (const claim of claims) {
      if (claim.holder.nodeId !== this.#holder.nodeId) others.push(claim);
      else if (claim.holder.incarnation === this.#holder.incarnation) this.#ownChanged(machine, claim);
    }
    if (others.some(({ token }) => token !== undefined)) this.#nudge(others);
  }

  #ownChanged(machine: LockMachine, { number }: Claim): void {
    const open = this.#open.get(number);
    const state = machine.stateOf(this.#holder, number);
    // It may have come in again since: asking tells.
    if (open !== undefined && state.type === 'gone' && open.isEntered) this.#renewals.hurry();
    else if (open !== undefined) this.#look(open);
    // A call that was given up, and has come late.
    else if (state.type !== 'gone') void this.#releases.add(number, Infinity);
  }

  #restored(machine: LockMachine): void {
    this.#expiry.applied(machine);
    for (const claim of this.#open.values()) this.#look(claim);
  }

  /** A member says that the turn of this node may have come: asking again tells. */
  #nudged(): void {
    if ([...this.#open.values()].some(({ isWaiting }) => isWaiting)) this.#renewals.hurry();
  }

  /** Nodes that are no members don't see what is applied. */
  #nudge(claims: readonly Claim[]): void {
    const status = this.#group?.status;
    if (status?.role !== 'leader') return;
    const members = new Set(status.members.map(({ nodeId }) => nodeId));
    const nodes = new Set(claims.filter(({ token }) => token !== undefined).map(({ holder }) => holder.nodeId));
    for (const nodeId of nodes) if (!members.has(nodeId)) this.#desk.nudge(nodeId);
  }
}
