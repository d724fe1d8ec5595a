import { type ClusterError, type NodeId, type SnapshotInfo, toClusterError } from '@quorate/core';
import {
  type Entry,
  type Message,
  NONE,
  type RaftNode,
  type ReadState,
  type Role,
  type Snapshot,
  type SoftState,
} from '@quorate/raft';
import { type CalledGroup, Callers } from './callers.ts';
import { Applier, type ApplierHooks } from './commands/applier.ts';
import type { CommandOutcome } from './commands/command-outcome.ts';
import type { Halt } from './commands/entry-feed.ts';
import { Consensus, type ConsensusHooks } from './consensus.ts';
import { coreConfig } from './core-config.ts';
import type { Leader } from './dispatch.ts';
import { type Capture, type CapturedGroup, GroupSnapshots } from './group-snapshots.ts';
import type { ObservedGroup } from './group-instruments.ts';
import { GroupLogView, type LogReader } from './group-log-view.ts';
import { inTicks } from './group-options.ts';
import { formationTag } from './group-state.ts';
import { GroupConfiguration } from './group-configuration.ts';
import { hardStateOf } from './hard-state.ts';
import { LogTime } from './log-time.ts';
import type { Sender } from './outbox.ts';
import type { Proposed } from './proposals.ts';
import type { GroupRole, RunningGroupParts } from './running-group-parts.ts';
import { neededByOthers } from './progress-view.ts';
import { GroupRest, type RestingGroup } from './resting/group-rest.ts';
import type { RestNotice } from './resting/rest-notice.ts';
import { Standing, type StandingGroup } from './standing.ts';
import { ticksUntilTurn } from './succession.ts';
import { LeaderSnapshots } from './snapshots/leader-snapshots.ts';
import type { Ticker } from './ticker.ts';
import { TracedReads } from './traced-reads.ts';
import type { ReceivedMessage } from './wire/frame-reader.ts';
import type { SnapshotMessage } from './wire/snapshot-message.ts';

/** How much of the newest entries is kept in memory, in bytes. */
const CACHE_BYTES: number = 4 * 1024 * 1024;
/** Election times without anything to do after which a group rests. */
const REST_ELECTION_TIMES = 2;

/** A group that this node is a member of, with consensus, a machine, and what waits for either. */
export class RunningGroup<R>
  implements
    Sender,
    RestingGroup,
    StandingGroup,
    ConsensusHooks,
    ApplierHooks<R>,
    LogReader,
    CapturedGroup,
    CalledGroup
{
  readonly id: number;
  readonly formationTag: number;
  readonly configuration: GroupConfiguration;
  readonly callers: Callers<R>;
  readonly snapshots: GroupSnapshots;
  readonly #parts: RunningGroupParts<R>;
  readonly #consensus: Consensus;
  readonly #applier: Applier<R>;
  readonly #view: GroupLogView;
  readonly #standing: Standing;
  readonly #rest: GroupRest;
  readonly #tracedReads: TracedReads;
  readonly #time: LogTime;
  readonly #ticker: Pick<Ticker, 'add' | 'delete'>;
  /** Undefined until a member needs a snapshot. */
  #sending: LeaderSnapshots | undefined;
  #isOver = false;
  #role: Role = 'follower';
  #leader: number = NONE;
  /** Of the last snapshot of a leader. */
  #restoring: Promise<void> | undefined;

  constructor(parts: RunningGroupParts<R>) {
    const { host, log, settings, identity } = parts;
    this.#parts = parts;
    this.callers = new Callers(this, parts);
    this.#tracedReads = new TracedReads(parts.owner.instruments);
    this.#time = new LogTime(host.context.clock);
    this.id = parts.id;
    this.formationTag = formationTag(identity.formation);
    this.#standing = new Standing(this, settings.timings, host.context.logger);
    this.#ticker = host.ticker(settings.timings.tickMs);
    this.#rest = new GroupRest({
      pulses: host.pulses,
      patienceMs: settings.timings.electionMs,
      afterTicks: inTicks(REST_ELECTION_TIMES * settings.timings.electionMs, settings.timings),
      group: this,
    });
    this.#ticker.add(this);
    this.configuration = new GroupConfiguration(log.snapshot, parts.owner);
    this.#view = this.#openView();
    this.configuration.committedAtFirst = this.#view.initialState().hardState.commit;
    this.#consensus = this.#openConsensus(this.#view);
    this.#applier = this.#openApplier();
    const { logger } = host.context;
    const instruments = parts.owner.instruments.taken;
    this.snapshots = new GroupSnapshots(this, {
      log,
      logger,
      clock: host.context.clock,
      policy: parts.policy,
      instruments,
    });
  }

  get node(): RaftNode {
    return this.#consensus.node;
  }

  get applied(): number {
    return this.#applier.applied;
  }

  /** Up to where the machine shows the log. */
  get shown(): number {
    return this.#applier.shown;
  }

  get time(): number {
    return this.#time.next(this.#applier.time);
  }

  /** Where the machine has stopped, while it does. */
  get halt(): Halt | undefined {
    return this.#applier.halt;
  }

  /** Up to where a read by the lease must see the log; undefined where there is no lease to read by. */
  leaseIndex(): number | undefined {
    if (this.#role !== 'leader' || this.node.leaseUntil() <= this.#parts.host.context.clock.now()) return undefined;
    return this.node.basicStatus().commit;
  }

  get leader(): Leader {
    if (this.#role === 'leader') return 'self';
    const nodeId = this.nodeOf(this.#leader);
    return nodeId === undefined ? undefined : { nodeId };
  }

  get observed(): ObservedGroup['running'] {
    const { log } = this.#parts;
    const { pendingBytes, waitingReads } = this.callers;
    const { firstIndex, lastIndex } = log;
    return { firstIndex, lastIndex, voters: this.configuration.confState.voters.length, pendingBytes, waitingReads };
  }

  get role(): GroupRole {
    const { term } = this.node.basicStatus();
    return { role: this.#role, term, leader: this.nodeOf(this.#leader) };
  }

  /** The node behind a number, if it is known. */
  nodeOf(number: number): NodeId | undefined {
    return this.configuration.nodeOf(number);
  }

  /** Calls the core; what follows is done when the input is over. */
  ask(call: Parameters<Consensus['ask']>[0]): ReturnType<Consensus['ask']> {
    let result: ReturnType<Consensus['ask']> = undefined;
    this.#rest.wake();
    this.#parts.host.input(this.#parts.owner, () => (result = this.#consensus.ask(call)));
    return result;
  }

  receive(from: NodeId, { formation, message }: ReceivedMessage): void {
    if (formation !== this.formationTag || message.to !== this.#parts.identity.number) return;
    if (!this.configuration.isFrom(from, message)) return;
    // Answers to the last heartbeats may come when a leader rests already.
    if (message.type !== 'HeartbeatResp') this.#rest.wake();
    if (message.type === 'ReadIndex' && this.#role === 'leader') this.#tracedReads.asked(message);
    this.#consensus.step(message);
  }

  get isIdle(): boolean {
    return this.#parts.owner.canRest && this.callers.isEmpty;
  }

  /** The leader says that nothing is left to do. */
  mayRest(from: NodeId, notice: RestNotice): void {
    this.#rest.told(from, notice);
  }

  /** When it was the leader, it is probably gone: this node doesn't wait longer for it than others feel bound to it. */
  disconnected(nodeId: NodeId): void {
    const { settings, identity } = this.#parts;
    if (this.#role !== 'follower' || this.nodeOf(this.#leader) !== nodeId) return;
    const { voters } = this.configuration.confState;
    const electionTicks = inTicks(settings.timings.electionMs, settings.timings);
    const ticks = ticksUntilTurn(electionTicks, { number: identity.number, voters, lost: this.#leader });
    this.node.setRandomizedElectionTicks(ticks);
  }

  /** Whether this peer may send this node such a snapshot. */
  acceptsSnapshot(from: NodeId, message: SnapshotMessage): boolean {
    return message.to === this.#parts.identity.number && this.configuration.isFrom(from, message);
  }

  /** A snapshot of the leader is in the log store. Resolves when the machine is done with it, or it is of no use. */
  async snapshotReceived(message: SnapshotMessage, { metadata: data }: SnapshotInfo): Promise<void> {
    const { snapshot } = message;
    this.#parts.host.input(this.#parts.owner, () =>
      this.#consensus.step({ ...message, snapshot: { metadata: snapshot.metadata, data } }),
    );
    await this.#restoring;
  }

  flush(): void {
    this.#rest.wake();
    this.callers.flush();
  }

  process(): void {
    this.#consensus.process();
    if (this.callers.waitsForAll && this.#role === 'leader') {
      this.callers.dispatch.proposals.onAllVoters(this.node.minVoterMatch());
    }
    this.#parts.owner.turned();
    this.#rest.restIfIdle();
  }

  write(): boolean {
    return this.#consensus.write();
  }

  tick(): void {
    this.#parts.host.input(this.#parts.owner, () => {
      this.#rest.tick();
      this.#consensus.tick();
      this.callers.tick();
      this.#standing.tick(this.#consensus.stalledTicks);
    });
  }

  /** Whether this node may become leader, as far as its users want it. */
  stand(stands: boolean): void {
    this.#standing.want(stands);
  }

  get isRemoved(): boolean {
    return this.#parts.record.state.isRemoved;
  }

  unsent({ to }: Message): void {
    this.#consensus.ask((node) => {
      node.reportUnreachable(to);
      return 'ok';
    });
  }

  /**
   * This member was removed, as its record says, which is stored now. It goes on to vote, for those who have not heard of
   * that and may need its vote until they have; and does nothing else.
   */
  retire(error: ClusterError): void {
    this.#parts.host.input(this.#parts.owner, () => {
      this.stand(false);
      this.node.stepDown();
    });
    void this.#consensus.rewriteState();
    this.callers.failAll(error);
  }

  /** Nothing happens from here on; whoever waits is told. */
  end(error: ClusterError): void {
    this.#isOver = true;
    [this.#role, this.#leader] = ['follower', NONE];
    this.#rest.wake();
    this.#ticker.delete(this);
    this.#consensus.end();
    this.#applier.end();
    this.#sending?.stop();
    this.snapshots.end();
    this.callers.failAll(error);
  }

  #openView(): GroupLogView {
    const { host, log, record } = this.#parts;
    return new GroupLogView(log, {
      batches: host.batches,
      hardState: hardStateOf(log, record.state),
      cacheBytes: CACHE_BYTES,
      reader: this,
    });
  }

  #openConsensus(view: GroupLogView): Consensus {
    const { host, log, settings, identity, owner } = this.#parts;
    const { clock, random } = host.context;
    return new Consensus(
      {
        ...coreConfig(settings, clock),
        id: identity.number,
        storage: view,
        random,
        applied: log.snapshot?.index ?? 0,
        makeEntry: host.batches.make,
        priority: (number) => owner.users.preferenceFor(this.nodeOf(number) ?? ''),
      },
      { log, batches: host.batches, hooks: this },
    );
  }

  input(act: () => void): void {
    this.#parts.host.input(this.#parts.owner, act);
  }

  encodeState(term: number, vote: number): Uint8Array {
    return this.#parts.record.encodeVote(term, vote);
  }

  readIndex(context: Uint8Array): void {
    this.#consensus.ask((node) => node.readIndex(context));
  }

  readable(reads: readonly ReadState[]): void {
    this.callers.readable(reads);
  }

  entriesLoaded(): void {
    this.#consensus.entriesLoaded();
  }

  async unreadable(error: unknown, from: number): Promise<void> {
    if (!(await this.snapshots.mending.mendEntries(from))) this.failed(error);
  }

  propose(data: Uint8Array): Proposed {
    this.#parts.host.batches.hasHeadroom(data);
    const result = this.#consensus.ask((node) => node.propose(data));
    const { lastIndex, term } = this.node.basicStatus();
    return { result, index: lastIndex, term };
  }

  send(message: Message): void {
    this.#tracedReads.answered(message);
    const to = this.nodeOf(message.to);
    if (to === undefined) return;
    if (message.type !== 'Snap') {
      this.#parts.host.outbox.add(to, this, message);
      return;
    }
    // One who was deposed in this very turn has nothing to send.
    if (this.#role === 'leader') void this.#snapshotSending().send(to, message);
  }

  apply(entries: readonly Entry[], settled: () => void): void {
    this.configuration.committed(entries);
    this.snapshots.growing(entries);
    this.#rest.disturbed();
    this.callers.committed(entries.at(-1)?.index ?? 0);
    const { host, owner } = this.#parts;
    this.#applier.apply(entries, owner.instruments.applying(entries.length, host.context.clock, settled));
  }

  restChanged(isResting: boolean): void {
    if (isResting) {
      this.#ticker.delete(this);
      this.#view.release();
    } else if (!this.#isOver) this.#ticker.add(this);
  }

  restore({ metadata }: Snapshot): Promise<void> {
    this.#restoring = this.#replaceState(metadata.index);
    return this.#restoring;
  }

  async #replaceState(index: number): Promise<void> {
    const { clock } = this.#parts.host.context;
    const { duration, size } = this.#parts.owner.instruments.installed;
    const began = clock.now();
    await this.#applier.restore();
    duration.record((clock.now() - began) / 1000);
    const { snapshot } = this.#parts.log;
    if (snapshot === undefined) return;
    size.record(snapshot.size);
    this.configuration.restore(snapshot);
    this.callers.steppedOver(index);
    this.#parts.owner.membersChanged();
    this.shows(index);
  }

  #snapshotSending(): LeaderSnapshots {
    const { host, log } = this.#parts;
    return (this.#sending ??= new LeaderSnapshots({
      log,
      formation: this.formationTag,
      logger: host.context.logger,
      clock: host.context.clock,
      instruments: this.#parts.owner.instruments.sent,
      transfer: () => host.snapshots,
      report: (member, isThere) => {
        this.ask((node) => {
          node.reportSnapshot(member, isThere);
          return 'ok';
        });
        if (!isThere) this.snapshots.mending.snapshotUnsent();
      },
    }));
  }

  #openApplier(): Applier<R> {
    const { host, machine, log } = this.#parts;
    return new Applier(machine, { clock: host.context.clock, log, hooks: this });
  }

  entryApplied(index: number, term: number, outcomes: readonly CommandOutcome<R>[]): void {
    const hasChange = this.configuration.applied(index, (entry) => this.#consensus.applyConfChange(entry));
    if (hasChange) this.#parts.owner.membersChanged();
    this.callers.applied(index, term, outcomes);
  }

  shows(index: number): void {
    this.callers.shows(index);
    this.snapshots.applied();
  }

  halted(halt: Halt | undefined): void {
    this.#parts.owner.halted(halt);
  }

  capture(): Capture {
    const { machine } = this.#parts;
    const { index, term } = machine.applied;
    return { index, term, source: machine.capture(), members: this.configuration.capture() };
  }

  get neededByOthers(): readonly number[] {
    return neededByOthers(this.node);
  }

  get isSendingSnapshot(): boolean {
    return this.#parts.host.snapshots.isSending(this.id);
  }

  advance(): void {
    this.ask((node) => node.propose(new Uint8Array()));
  }

  roleChanged({ role, leader }: SoftState): void {
    const began = role === 'leader' && this.#role !== 'leader';
    this.#parts.owner.instruments.roleChanged(this.#role, role);
    if (this.#role === 'leader' && role !== 'leader') this.#sending?.stop();
    if (this.#role === 'leader' && role !== 'leader') this.#tracedReads.abandon(this.#parts.owner.notLeader());
    this.#role = role;
    this.#leader = leader;
    if (began) this.#time.lead(this.#applier.time);
    this.callers.leaderChanged();
    this.#parts.owner.membersChanged();
  }

  failed(cause: unknown): void {
    if (this.#isOver) return;
    this.#parts.owner.over(toClusterError(cause, 'IO', `group ${this.id}`));
  }
}
