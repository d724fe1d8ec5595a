import {
  type ClusterError,
  ENTRY_HEADROOM,
  type MonotonicMs,
  type NodeId,
  type SnapshotInfo,
  toClusterError,
} from '@quorate/core';
import { type Entry, type Message, NONE, type RaftNode, type Role, type SoftState } from '@quorate/raft';
import { Applier } from './commands/applier.ts';
import type { Halt } from './commands/entry-feed.ts';
import { Consensus } from './consensus.ts';
import { coreConfig, MAX_PENDING_BYTES } from './core-config.ts';
import { DiskWatch } from './disk-watch.ts';
import { Dispatch, type Leader } from './dispatch.ts';
import { GroupSnapshots } from './group-snapshots.ts';
import { GroupLogView } from './group-log-view.ts';
import { inTicks } from './group-options.ts';
import { formationTag } from './group-state.ts';
import { GroupConfiguration } from './group-configuration.ts';
import { hardStateOf } from './hard-state.ts';
import type { Sender } from './outbox.ts';
import { Reads } from './reads.ts';
import type { GroupRole, RunningGroupParts } from './running-group-parts.ts';
import { neededByOthers, successors } from './progress-view.ts';
import { GroupRest } from './resting/group-rest.ts';
import type { RestNotice } from './resting/rest-notice.ts';
import { ticksUntilTurn } from './succession.ts';
import { LeaderSnapshots } from './snapshots/leader-snapshots.ts';
import type { Ticker } from './ticker.ts';
import type { ReceivedMessage } from './wire/frame-reader.ts';
import type { SnapshotMessage } from './wire/snapshot-message.ts';

/** How much of the newest entries is kept in memory, in bytes. */
const CACHE_BYTES: number = 4 * 1024 * 1024;
/** Election times without anything to do after which a group rests. */
const REST_ELECTION_TIMES = 2;

/** A group that this node is a member of, with consensus, a machine, and what waits for either. */
export class RunningGroup<R> implements Sender {
  readonly id: number;
  readonly formationTag: number;
  readonly dispatch: Dispatch<R>;
  readonly reads: Reads;
  readonly configuration: GroupConfiguration;
  readonly snapshots: GroupSnapshots;
  readonly #parts: RunningGroupParts<R>;
  readonly #consensus: Consensus;
  readonly #applier: Applier<R>;
  readonly #view: GroupLogView;
  readonly #disk: DiskWatch;
  readonly #rest: GroupRest;
  readonly #sending: LeaderSnapshots;
  readonly #ticker: Pick<Ticker, 'add' | 'delete'>;
  #stands = false;
  #isOver = false;
  #role: Role = 'follower';
  #leader: number = NONE;
  /** Of the last snapshot of a leader. */
  #restoring: Promise<void> | undefined;
  /** Since when this node has led, and the time in the log then. */
  #leads: { readonly since: MonotonicMs; readonly time: number } = { since: 0, time: 0 };

  constructor(parts: RunningGroupParts<R>) {
    const { host, log, settings, identity } = parts;
    const { clock, random } = host.context;
    this.#parts = parts;
    this.id = parts.id;
    this.formationTag = formationTag(identity.formation);
    this.#disk = new DiskWatch(settings.timings);
    this.#ticker = host.ticker(settings.timings.tickMs);
    this.#rest = new GroupRest({
      pulses: host.pulses,
      patienceMs: settings.timings.electionMs,
      afterTicks: inTicks(REST_ELECTION_TIMES * settings.timings.electionMs, settings.timings),
      onChange: (isResting) => this.#restChanged(isResting),
    });
    this.#ticker.add(this);
    const { logger } = host.context;
    this.#sending = new LeaderSnapshots({
      log,
      formation: this.formationTag,
      logger,
      transfer: () => host.snapshots,
      report: (member, isThere) => {
        this.ask((node) => {
          node.reportSnapshot(member, isThere);
          return 'ok';
        });
        if (!isThere) this.snapshots.mending.snapshotUnsent();
      },
    });
    this.configuration = new GroupConfiguration(log.snapshot, parts.onStranger);
    this.#view = this.#openView();
    this.configuration.committedAtFirst = this.#view.initialState().hardState.commit;
    this.#consensus = this.#openConsensus(this.#view);
    this.#applier = this.#openApplier();
    this.snapshots = this.#openSnapshots();
    this.reads = new Reads({
      clock,
      random,
      askAgainMs: settings.timings.electionMs,
      ask: (context) => this.#consensus.ask((node) => node.readIndex(context)),
    });
    this.dispatch = new Dispatch<R>({
      clock,
      codec: parts.codec,
      maxBytes: MAX_PENDING_BYTES,
      headroom: ENTRY_HEADROOM,
      time: () => Math.max(this.#applier.time, this.#leads.time + Math.floor(clock.now() - this.#leads.since)),
      leader: () => this.leader,
      propose: (data) => this.#propose(data),
      forward: parts.forward,
      gather: () => host.gather(parts.owner),
    });
  }

  get node(): RaftNode {
    return this.#consensus.node;
  }

  get applied(): number {
    return this.#applier.applied;
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
    this.#consensus.step(message);
  }

  /** The leader says that nothing is left to do: so it is here, or this node goes on ticking, and it will hear. */
  mayRest(from: NodeId, { formation, term, index }: RestNotice): void {
    if (formation !== this.formationTag || !this.#parts.mayRest()) return;
    const basic = this.node.basicStatus();
    const isSame = basic.term === term && basic.lastIndex === index && basic.commit === index && this.applied === index;
    if (!isSame || !this.dispatch.isEmpty || !this.reads.isEmpty) return;
    if (this.#role === 'follower' && this.nodeOf(basic.leader) === from) this.#rest.rest([from]);
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
    this.dispatch.flush();
    this.reads.flush();
  }

  process(): void {
    this.#consensus.process();
    const { proposals } = this.dispatch;
    if (proposals.waitsForAll && this.#role === 'leader') proposals.onAllVoters(this.node.minVoterMatch());
    this.#parts.onTurn();
    if (this.#rest.isDue) this.#restIfIdle();
  }

  write(): boolean {
    return this.#consensus.write();
  }

  tick(): void {
    this.#parts.host.input(this.#parts.owner, () => {
      this.#rest.tick();
      this.#consensus.tick();
      this.dispatch.tick();
      this.reads.tick();
      this.#watchDisk();
    });
  }

  /** Whether this node may become leader, as far as its users want it. */
  stand(stands: boolean): void {
    this.#stands = stands;
    this.node.standing = stands && !this.#disk.isStalled && !this.#parts.record.state.isRemoved;
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
    this.dispatch.failAll(error);
    this.reads.failAll(error);
  }

  /** Nothing happens from here on; whoever waits is told. */
  end(error: ClusterError): void {
    this.#isOver = true;
    [this.#role, this.#leader] = ['follower', NONE];
    this.#rest.wake();
    this.#ticker.delete(this);
    this.#consensus.end();
    this.#applier.end();
    this.#sending.stop();
    this.snapshots.end();
    this.dispatch.failAll(error);
    this.reads.failAll(error);
  }

  #openView(): GroupLogView {
    const { host, log, record } = this.#parts;
    return new GroupLogView(log, {
      batches: host.batches,
      hardState: hardStateOf(log, record.state),
      cacheBytes: CACHE_BYTES,
      onLoaded: () => this.#consensus.entriesLoaded(),
      onFailure: async (error, from) => {
        if (!(await this.snapshots.mending.mendEntries(from))) this.#failed(error);
      },
    });
  }

  #openConsensus(view: GroupLogView): Consensus {
    const { host, log, settings, identity, record, owner, priority } = this.#parts;
    const { clock, random } = host.context;
    return new Consensus(
      {
        ...coreConfig(settings, clock),
        id: identity.number,
        storage: view,
        random,
        applied: log.snapshot?.index ?? 0,
        priority: (number) => priority(this.nodeOf(number) ?? ''),
      },
      {
        log,
        batches: host.batches,
        hooks: {
          send: (message) => this.#send(message),
          apply: (entries, settled) => this.#apply(entries, settled),
          restore: (snapshot) => this.#restore(snapshot.metadata.index),
          readable: (reads) => this.reads.readable(reads),
          roleChanged: (state) => this.#roleChanged(state),
          encodeState: (term, vote) => record.encodeVote(term, vote),
          input: (act) => host.input(owner, act),
          failed: (error) => this.#failed(error),
        },
      },
    );
  }

  #propose(data: Uint8Array): ReturnType<ConstructorParameters<typeof Dispatch<R>>[0]['propose']> {
    this.#parts.host.batches.hasHeadroom(data);
    const result = this.#consensus.ask((node) => node.propose(data));
    const { lastIndex, term } = this.node.basicStatus();
    return { result, index: lastIndex, term };
  }

  #send(message: Message): void {
    const to = this.nodeOf(message.to);
    if (to === undefined) return;
    if (message.type !== 'Snap') {
      this.#parts.host.outbox.add(to, this, message);
      return;
    }
    // One who was deposed in this very turn has nothing to send.
    if (this.#role === 'leader') void this.#sending.send(to, message);
  }

  #apply(entries: readonly Entry[], settled: () => void): void {
    this.configuration.committed(entries);
    this.snapshots.growing(entries);
    this.#rest.disturbed();
    this.#applier.apply(entries, settled);
  }

  /** A leader with nothing to do lets the group rest, and all others know. */
  #restIfIdle(): void {
    if (this.#role !== 'leader' || !this.#parts.mayRest() || !this.node.mayRest()) return;
    if (!this.dispatch.isEmpty || !this.reads.isEmpty) return;
    const { progress, term, lastIndex: index, id } = this.node.status();
    const peers = [...progress.keys()].filter((number) => number !== id).flatMap((number) => this.nodeOf(number) ?? []);
    for (const peer of peers)
      this.#parts.host.pulses.notify(peer, { group: this.id, formation: this.formationTag, term, index });
    this.#rest.rest(peers);
  }

  #restChanged(isResting: boolean): void {
    if (isResting) {
      this.#ticker.delete(this);
      this.#view.release();
    } else if (!this.#isOver) this.#ticker.add(this);
  }

  #restore(index: number): Promise<void> {
    this.#restoring = this.#replaceState(index);
    return this.#restoring;
  }

  async #replaceState(index: number): Promise<void> {
    await this.#applier.restore();
    const { snapshot } = this.#parts.log;
    if (snapshot === undefined) return;
    this.configuration.restore(snapshot);
    this.dispatch.proposals.steppedOver(index);
    this.#parts.onMembers();
    this.#appliedTo(index);
  }

  #openApplier(): Applier<R> {
    const { host, machine, log, onHalted } = this.#parts;
    return new Applier(machine, {
      clock: host.context.clock,
      log,
      entryApplied: (index, term, outcomes) => {
        if (this.configuration.applied(index, (entry) => this.#consensus.applyConfChange(entry)))
          this.#parts.onMembers();
        this.dispatch.applied(index, term, outcomes);
      },
      applied: (index) => this.#appliedTo(index),
      halted: onHalted,
      failed: (error) => this.#failed(error),
    });
  }

  #appliedTo(index: number): void {
    this.reads.applied(index);
    this.snapshots.applied();
  }

  #openSnapshots(): GroupSnapshots {
    const { host, log, id, policy, machine, onSnapshotFailed } = this.#parts;
    return new GroupSnapshots({
      log,
      logger: host.context.logger,
      applied: () => this.applied,
      advance: () => void this.ask((node) => node.propose(new Uint8Array())),
      policy,
      capture: () => {
        const { index, term } = machine.applied;
        return { index, term, source: machine.capture(), members: this.configuration.capture() };
      },
      needed: () => neededByOthers(this.node),
      isSending: () => host.snapshots.isSending(id),
      onFailure: onSnapshotFailed,
    });
  }

  #roleChanged({ role, leader }: SoftState): void {
    const began = role === 'leader' && this.#role !== 'leader';
    if (this.#role === 'leader' && role !== 'leader') this.#sending.stop();
    this.#role = role;
    this.#leader = leader;
    if (began) this.#leads = { since: this.#parts.host.context.clock.now(), time: this.#applier.time };
    this.dispatch.leaderChanged();
    this.reads.askAgain();
    this.#parts.onRole(this.role);
  }

  #watchDisk(): void {
    const wasStalled = this.#disk.isStalled;
    this.#disk.tick(this.#consensus.stalledTicks);
    if (this.#disk.isStalled !== wasStalled) this.stand(this.#stands);
    const { advice } = this.#disk;
    if (advice === undefined || this.#role !== 'leader') return;
    const [successor] = successors(this.node);
    if (advice === 'hand-over' && successor !== undefined) this.node.transferLeader(successor);
    else this.node.stepDown();
    this.#parts.onStalled();
  }

  #failed(cause: unknown): void {
    if (this.#isOver) return;
    this.#parts.onFailed(toClusterError(cause, 'IO', `group ${this.id}`));
  }
}
