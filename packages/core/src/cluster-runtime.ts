import type { CallOptions } from './call-options.ts';
import type { Cluster, ClusterEvents, ClusterStatus } from './cluster.ts';
import { ClusterError, toClusterError } from './cluster-error.ts';
import { observeCluster } from './cluster-instruments.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { Composition } from './composition.ts';
import { shared, throwIfAborted, withDeadline } from './deadline.ts';
import type { IClusterDiscovery } from './discovery.ts';
import { contactsOf, DiscoveryFeed } from './discovery-feed.ts';
import type { LeaderElection, LeaderInfo, Leadership } from './election.ts';
import { Emitter, type Listener } from './events.ts';
import type { Formation } from './formation.ts';
import { LeadershipKeeper } from './leadership-keeper.ts';
import { linkSignals } from './linked-signal.ts';
import type { Locks } from './locks.ts';
import type { Logger } from './logger.ts';
import { type Ground, makeGround, makeParts, type Making, type Parts, scopedLogger } from './make-parts.ts';
import { MemberLog } from './member-log.ts';
import type { Member, Membership, MembershipChange, MembershipView } from './membership.ts';
import type { NodeDescription } from './node-description.ts';
import type { PluginKind } from './plugin.ts';
import type { AnyReplicator } from './replicator.ts';
import { Registration } from './registration.ts';
import { retry } from './retry.ts';
import type { Storage } from './storage.ts';
import type { System } from './system.ts';
import { noTelemetry } from './telemetry.ts';
import { type TelemetryScope, telemetryScope } from './telemetry-scope.ts';
import { Teardown } from './teardown.ts';
import type { Transport } from './transport.ts';

/** The one implementation of `Cluster`: makes and starts the parts, carries news between them, and closes them. */
export class ClusterRuntime<R extends AnyReplicator> implements Cluster<R> {
  readonly #composition: Composition;
  readonly #emitter: Emitter<ClusterEvents>;
  readonly #teardown = new Teardown();
  /** Aborts when the cluster is to stop: ends a start, and all that runs in the background. */
  readonly #closing = new AbortController();
  /** Aborts when every part has been closed. */
  readonly #ended = new AbortController();
  #status: ClusterStatus = 'stopped';
  #starting: Promise<Cluster<R>> | undefined;
  #stopping: Promise<void> | undefined;
  /** What `start` is doing, for its error. */
  #step = 'load the system';
  /** What that waits for, where it can say so. */
  #waitsFor: (() => string) | undefined;
  readonly #logger: Logger;
  readonly #telemetry: TelemetryScope;
  #system: System | undefined;
  #parts: Parts | undefined;
  #feed: DiscoveryFeed | undefined;
  #view: MembershipView | undefined;
  /** Of `#view`, in order of id, once somebody has asked: of thousands that is more work than most changes. */
  #nodes: readonly Member[] | undefined;
  #keeper: LeadershipKeeper | undefined;
  /** There where the discovery is told of this node. */
  #registration: Registration | undefined;

  constructor(composition: Composition) {
    this.#composition = composition;
    this.#system = composition.options.system;
    // The real machine, which is loaded later, logs to the console too.
    this.#logger = scopedLogger(composition, this.#system ?? { logger: console }, 'cluster');
    this.#emitter = new Emitter<ClusterEvents>((error, event) =>
      this.#logger.error(`a listener of ${event} threw: ${String(error)}`, error),
    );
    this.#telemetry = this.#openTelemetry();
  }

  get name(): string {
    return this.#composition.options.name ?? 'default';
  }

  get id(): string | undefined {
    return this.#parts === undefined ? this.#composition.options.clusterId : this.#parts.identity.id;
  }

  get self(): ClusterNode {
    return this.#parts?.transport.self ?? this.#composition.self;
  }

  get status(): ClusterStatus {
    return this.#status;
  }

  get nodes(): readonly Member[] {
    // What a node says of itself changes without anybody being told of it.
    if (this.#view !== undefined && this.#parts !== undefined) this.#show(this.#parts.membership.view);
    this.#nodes ??= [...(this.#view?.members.values() ?? [])].sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
    return this.#nodes;
  }

  get leader(): LeaderInfo | undefined {
    return this.#keeper?.leader;
  }

  get leadership(): Leadership | undefined {
    return this.#parts?.election?.leadership;
  }

  get isLeader(): boolean {
    return this.leadership?.isValid() ?? false;
  }

  get system(): System {
    if (this.#system === undefined) {
      throw new ClusterError('CLOSED', `cluster ${this.name}: the machine is loaded by start()`);
    }
    const { telemetry } = this.#telemetry;
    return { ...this.#system, telemetry, logger: scopedLogger(this.#composition, this.#system, 'program') };
  }

  get transport(): Transport {
    return this.#part('transport', (parts) => parts.transport);
  }

  get storage(): Storage {
    return this.#part('storage', (parts) => parts.storage);
  }

  get membership(): Membership {
    return this.#part('membership', (parts) => parts.membership);
  }

  get discovery(): IClusterDiscovery {
    return this.#part('discovery', (parts) => parts.discovery);
  }

  get election(): LeaderElection {
    return this.#part('election', (parts) => parts.election);
  }

  get replicator(): R {
    // The plugin that made it is the one of ClusterOptions<R>.
    return this.#part('replicator', (parts) => parts.replicator) as R;
  }

  get locks(): Locks {
    return this.#part('locks', (parts) => parts.locks);
  }

  on<K extends keyof ClusterEvents>(event: K, listener: Listener<ClusterEvents[K]>): Disposable {
    return this.#emitter.on(event, listener);
  }

  describe(description: NodeDescription): void {
    const { membership } = this;
    if (this.#view === undefined || this.#closing.signal.aborted) {
      throw new ClusterError('CLOSED', `cluster ${this.name}: ${this.#status}`);
    }
    if (membership.describe === undefined) {
      const name = this.#composition.plugins.membership.name;
      throw new ClusterError('UNSUPPORTED', `cluster ${this.name}: ${name} has a node describe itself once only`);
    }
    membership.describe(description);
    this.#registration?.renew();
  }

  async start(options: CallOptions = {}): Promise<Cluster<R>> {
    if (this.#stopping !== undefined) throw new ClusterError('CLOSED', `cluster ${this.name}: stopped`);
    if (this.#starting !== undefined) return await shared(this.#starting, 'start', options);
    this.#starting = this.#start(options);
    return await this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start({ signal }: CallOptions): Promise<Cluster<R>> {
    this.#setStatus('starting');
    const closing = this.#closing.signal;
    const either = linkSignals(signal, closing);
    try {
      const system = await this.#loadSystem();
      const { startTimeoutMs } = this.#composition.timings;
      const parts = await withDeadline(system.clock, startTimeoutMs, 'start', (inner) => this.#bringUp(system, inner), {
        signal: either.signal,
      });
      throwIfAborted(either.signal, 'start');
      this.#run(parts);
    } catch (error) {
      const failure = this.#explain(error);
      await this.#close();
      throw failure;
    } finally {
      either[Symbol.dispose]();
    }
    this.#setStatus('running');
    return this;
  }

  async #stop(): Promise<void> {
    this.#closing.abort(new ClusterError('CLOSED', `cluster ${this.name}: stopped`));
    // A start that fails closes what it has started by itself.
    await this.#starting?.catch(() => undefined);
    if (this.#status !== 'stopped') await this.#close();
  }

  async #close(): Promise<void> {
    this.#setStatus('stopping');
    this.#closing.abort(new ClusterError('CLOSED', `cluster ${this.name}: it did not start`));
    if (this.#system !== undefined) {
      const { stopStepTimeoutMs } = this.#composition.timings;
      await this.#teardown.run(this.#system.clock, stopStepTimeoutMs, this.#report);
    }
    this.#ended.abort();
    this.#setStatus('stopped');
    this.#telemetry.end();
  }

  #openTelemetry(): TelemetryScope {
    const { telemetry, system, nodeId } = this.#composition.options;
    const attributes = { 'quorate.cluster.name': this.name, 'quorate.node.id': nodeId };
    const scope = telemetryScope(telemetry ?? system?.telemetry ?? noTelemetry, attributes);
    if (scope.telemetry === noTelemetry) return scope;
    observeCluster(scope.telemetry, this.#emitter, () => ({
      status: this.#status,
      view: this.#view,
      knowsLeader: this.leader !== undefined,
      isLeader: this.isLeader,
    }));
    return scope;
  }

  async #loadSystem(): Promise<System> {
    this.#system ??= await loadMachine(this.#composition.options.logger);
    return this.#system;
  }

  /** Makes the parts and starts them: those that listen to the transport before the transport itself. */
  async #bringUp(system: System, signal: AbortSignal): Promise<Parts> {
    const begin = (what: string): void => {
      throwIfAborted(signal, what);
      this.#step = what;
    };
    const composition = this.#composition;
    const { telemetry } = this.#telemetry;
    const making = { composition, system, telemetry, teardown: this.#teardown, begin, onError: this.#report };
    const ground = await makeGround(making);
    const { formation } = ground;
    if (formation !== undefined) await this.#form(ground, formation, making, signal);
    const parts = makeParts(making, ground);
    this.#parts = parts;
    if (formation === undefined) await this.#startPart('membership', parts.membership, begin, signal);
    await this.#startPart('election', parts.election, begin, signal);
    await this.#startPart('replicator', parts.replicator, begin, signal);
    await this.#startPart('locks', parts.locks, begin, signal);
    if (formation === undefined) await this.#startPart('transport', parts.transport, begin, signal);
    throwIfAborted(signal, 'start');
    return parts;
  }

  /** Runs what a node is reached by, until this one knows what its cluster was formed with. */
  async #form(ground: Ground, formation: Formation, { begin }: Making, signal: AbortSignal): Promise<void> {
    await this.#startPart('membership', ground.membership, begin, signal);
    await this.#startPart('formation', formation, begin, signal);
    await this.#startPart('transport', ground.transport, begin, signal);
    // It may have started in spite of having been given up: then nobody is reached any more.
    throwIfAborted(signal, 'start');
    // Forming may take long: until then it is shown who is there.
    this.#parts = { ...ground, election: undefined, replicator: undefined, locks: undefined };
    this.#connect(ground);
    begin('form the cluster, or find it');
    this.#waitsFor = () => formation.missing;
    const charter = await formation.form({ signal });
    this.#waitsFor = undefined;
    begin('store what the cluster was formed with');
    await ground.keepCharter(charter);
  }

  async #startPart(
    kind: PluginKind,
    part: { start(options: CallOptions): Promise<void> } | undefined,
    begin: (what: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    begin(`start ${this.#composition.plugins[kind]?.name ?? kind}`);
    await part?.start({ signal });
  }

  /**
   * Has the node reach others, and shows them. What runs in the background from here on ends with `#closing`, with its
   * part, or `#ended`.
   */
  #connect(ground: Ground): void {
    const { discovery, context } = ground;
    const { seedNodes = [] } = this.#composition.options;
    const contacts = contactsOf(ground);
    for (const address of seedNodes) contacts.addContact(address);
    this.#feed = new DiscoveryFeed(context, seedNodes);
    if (discovery !== undefined) this.#runDiscovery(discovery, this.#feed, ground);
    this.#show(ground.membership.view);
    void this.#followMembership(ground);
    void this.#followRefusals(ground);
    ground.membership.onRefused?.((refused) => this.#emitter.emit('datagramRefused', refused));
  }

  /** Connects the parts. What runs in the background from here on ends with `#closing`, with its part, or `#ended`. */
  #run(parts: Parts): void {
    const { election, context } = parts;
    const { campaign = true } = this.#composition.options;
    if (this.#feed === undefined) this.#connect(parts);
    if (election === undefined) return;
    this.#teardown.push('resign', async (signal) => election.resign({ signal }));
    const keeper = new LeadershipKeeper(context, election, this.#emitter, this.#report);
    this.#keeper = keeper;
    void keeper.observe(this.#ended.signal);
    if (campaign) void keeper.campaign(this.#closing.signal);
  }

  /** In the background, because discovery is advisory: a source that is down keeps no node from starting. */
  #runDiscovery(discovery: IClusterDiscovery, feed: DiscoveryFeed, { context, transport }: Ground): void {
    const closing = this.#closing.signal;
    const follow = async (signal: AbortSignal): Promise<void> => {
      for await (const snapshot of discovery.watch({ signal })) feed.accept(snapshot);
    };
    void retry(context, closing, follow, (error) => this.#report('watch the discovery', error));
    if (!discovery.supports.registration) return;
    this.#registration = new Registration(context, discovery, closing, (error) => this.#report('register', error));
    this.#registration.renew();
    this.#teardown.push('unregister', async (signal) => discovery.unregisterNode(transport.self.id, { signal }));
  }

  async #followMembership({ changes, context }: Ground): Promise<void> {
    const log = new MemberLog(this.#logger, context.clock);
    const follow = async (): Promise<void> => {
      for await (const change of changes) {
        this.#show(change.view);
        log.tell(change);
        this.#tell(change);
        if (change.type === 'failed' || change.type === 'left') this.#feed?.sweep();
      }
    };
    await retry(context, this.#ended.signal, follow, (error) => this.#report('watch the membership', error));
  }

  async #followRefusals({ transport }: Ground): Promise<void> {
    try {
      for await (const event of transport.watch({ signal: this.#ended.signal })) {
        if (event.type === 'refused') {
          this.#emitter.emit('connectionRefused', { remote: event.remote, error: event.error });
        }
      }
    } catch (error) {
      this.#report('watch the transport', error);
    }
  }

  /** Changes that happened while the cluster started are told late: what is shown never goes back. */
  #show(view: MembershipView): void {
    if (this.#view !== undefined && view.version <= this.#view.version) return;
    this.#view = view;
    this.#nodes = undefined;
  }

  #tell(change: MembershipChange): void {
    const { member } = change;
    const about = { node: member.node, member };
    switch (change.type) {
      case 'joined':
        return this.#emitter.emit('nodeJoined', about);
      case 'updated':
        return this.#emitter.emit('nodeUpdated', about);
      case 'suspected':
        return this.#emitter.emit('nodeSuspected', { ...about, reason: change.reason });
      case 'failed':
        return this.#emitter.emit('nodeFailed', { ...about, reason: change.reason });
      case 'left':
        return this.#emitter.emit('nodeLeft', { ...about, reason: change.reason });
    }
  }

  #setStatus(status: ClusterStatus): void {
    const previous = this.#status;
    if (status === previous) return;
    this.#status = status;
    this.#logger.info(status);
    this.#emitter.emit('stateChanged', { status, previous });
  }

  readonly #report = (during: string, cause: unknown): void => {
    const error = toClusterError(cause, 'IO', during);
    this.#logger.warn(`${during} failed: ${error.message}`, error);
    this.#emitter.emit('error', { error, during });
  };

  /** What made the start fail, and at which step. To be asked before the cluster is closed. */
  #explain(error: unknown): ClusterError {
    const code = this.#closing.signal.aborted ? 'CLOSED' : toClusterError(error, 'IO', this.#step).code;
    const detail = error instanceof Error ? error.message : String(error);
    const missing = this.#missing();
    const message = `start failed at "${this.#step}": ${detail}${missing === '' ? '' : `; ${missing}`}`;
    return new ClusterError(code, message, { cause: error });
  }

  /** Never throws: what comes from a part must not keep the others from being closed. */
  #missing(): string {
    try {
      return this.#waitsFor?.() ?? '';
    } catch (error) {
      return `what it waits for is not known: ${String(error)}`;
    }
  }

  #part<T>(kind: PluginKind, of: (parts: Parts) => T | undefined): T {
    if (!this.#composition.offered.has(kind)) {
      throw new ClusterError('UNSUPPORTED', `cluster ${this.name}: no ${kind} was chosen`);
    }
    const part = this.#parts === undefined ? undefined : of(this.#parts);
    if (part === undefined) throw new ClusterError('CLOSED', `cluster ${this.name}: the ${kind} is made by start()`);
    return part;
  }
}

/** Loaded only when it is needed, so that this package imports nothing of Node.js by itself. */
async function loadMachine(logger: Logger | undefined): Promise<System> {
  const { nodeSystem } = await import('./node/index.ts');
  return nodeSystem(logger === undefined ? {} : { logger });
}
