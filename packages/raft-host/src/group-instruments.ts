import {
  aboutInstruments,
  type Attributes,
  type Clock,
  countBuckets,
  type Counter,
  durationBuckets,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  noSpan,
  sizeBuckets,
  type Span,
  type SpanOptions,
  type Telemetry,
} from '@quorate/core';
import type { Role } from '@quorate/raft';
import type { GroupPeer, GroupStatus } from './group-status.ts';

const GROUP = 'quorate.raft.group';

const about = aboutInstruments('quorate.raft');

const gauges = {
  role: about('role', '{member}', 'What this node is in the group: 1 for that role, 0 for the others'),
  phase: about('phase', '{member}', 'How far the group is on this node: 1 for that phase, 0 for the others'),
  term: about('term', '{term}', 'The current term'),
  commit: about('commit.index', '{entry}', 'The last entry known to be committed'),
  applied: about('applied.index', '{entry}', 'The last entry that was applied here'),
  last: about('log.last_index', '{entry}', 'The last entry of the log here'),
  entries: about('log.entries', '{entry}', 'Entries that the log here holds, behind what a snapshot has replaced'),
  voters: about('voters', '{member}', 'Members that vote, as this node knows them'),
  lag: about('peer.lag', '{entry}', 'Told by the leader: entries that this member is not known to have'),
  pending: about('proposals.pending.size', 'By', 'Commands that this leader has taken and not applied yet'),
  reads: about('reads.pending', '{read}', 'Reads that wait until the machine here is fresh enough'),
};

const counters = {
  begun: about(
    'elections.begun',
    '{election}',
    'How often this node stood for election: asked for votes in a new term',
  ),
  won: about('elections.won', '{election}', 'Elections after which this node led'),
  lost: about('elections.lost', '{election}', 'Elections that this node stood in and did not win'),
  commands: about('commands', '{command}', 'Commands that this leader took, by what became of them'),
  readCount: about('reads', '{read}', 'Reads that waited for the machine to be fresh, by what became of them'),
};

const histogram = (name: string, unit: string, buckets: readonly number[], description: string): HistogramAbout => ({
  ...about(name, unit, description),
  buckets,
});

const histograms = {
  commit: histogram(
    'commit.duration',
    's',
    durationBuckets,
    'From when this leader proposed an entry until it was committed and applied here',
  ),
  batch: histogram('entry.commands', '{command}', countBuckets, 'Commands in an entry that this leader proposed'),
  apply: histogram(
    'apply.duration',
    's',
    durationBuckets,
    'From when committed entries were handed to the machine until it had applied them',
  ),
  applied: histogram('apply.entries', '{entry}', countBuckets, 'Committed entries that were handed over together'),
  read: histogram(
    'read.duration',
    's',
    durationBuckets,
    'From when the leader was asked how fresh a read must be until the machine here was that fresh',
  ),
  snapshot: histogram(
    'snapshot.duration',
    's',
    durationBuckets,
    'How long it took to take, send or install a snapshot',
  ),
  size: histogram('snapshot.size', 'By', sizeBuckets, 'Sizes of the snapshots that were taken, sent or installed'),
};

const ROLES: readonly GroupStatus['role'][] = ['leader', 'follower', 'candidate', 'learner'];
const PHASES: readonly GroupStatus['phase'][] = [
  'opening',
  'forming',
  'waiting',
  'repairing',
  'running',
  'halted',
  'refused',
  'removed',
  'failed',
  'closed',
];

/** What became of commands: `unknown` where they may have been applied, or may be yet. */
interface ByOutcome {
  readonly applied: Counter;
  readonly 'not-applied': Counter;
  readonly unknown: Counter;
}

/**
 * Of a command: all of it, on the caller's node and again on the leader's, where its commit and its applying are parts of it.
 * Of a read: until the machine is fresh enough, and the leader's part in that.
 */
export type SpanName = 'command' | 'commit' | 'apply' | 'read' | 'read.confirm';

/** A group that runs here, as far as it is observed. */
export interface ObservedGroup {
  readonly status: GroupStatus;
  readonly peers: readonly GroupPeer[];
  /** Undefined until it runs. */
  readonly running:
    | {
        readonly firstIndex: number;
        readonly lastIndex: number;
        readonly voters: number;
        readonly pendingBytes: number;
        readonly waitingReads: number;
      }
    | undefined;
}

/** Of taking, sending or installing snapshots. */
export interface SnapshotInstruments {
  readonly duration: Histogram;
  readonly size: Histogram;
}

/** What is measured of one group on one node. */
export class GroupInstruments implements Disposable {
  readonly commitDuration: Histogram;
  readonly entryCommands: Histogram;
  readonly readDuration: Histogram;
  readonly commands: ByOutcome;
  readonly reads: { readonly done: Counter; readonly failed: Counter };
  readonly taken: SnapshotInstruments;
  readonly sent: SnapshotInstruments;
  readonly installed: SnapshotInstruments;
  readonly #applyDuration: Histogram;
  readonly #applyEntries: Histogram;
  readonly #telemetry: Telemetry;
  readonly #of: Attributes;
  readonly #begun: Counter;
  readonly #won: Counter;
  readonly #lost: Counter;
  readonly #observed: readonly Disposable[];

  constructor(telemetry: Telemetry, group: number, observe: () => ObservedGroup) {
    const of = { [GROUP]: group };
    this.#telemetry = telemetry;
    this.#of = of;
    this.commitDuration = telemetry.histogram(histograms.commit, of);
    this.entryCommands = telemetry.histogram(histograms.batch, of);
    this.#applyDuration = telemetry.histogram(histograms.apply, of);
    this.#applyEntries = telemetry.histogram(histograms.applied, of);
    this.readDuration = telemetry.histogram(histograms.read, of);
    const by = (counter: InstrumentAbout, outcome: string): Counter =>
      telemetry.counter(counter, { ...of, 'quorate.outcome': outcome });
    this.commands = {
      applied: by(counters.commands, 'applied'),
      'not-applied': by(counters.commands, 'not-applied'),
      unknown: by(counters.commands, 'unknown'),
    };
    this.reads = { done: by(counters.readCount, 'done'), failed: by(counters.readCount, 'failed') };
    const snapshots = (action: string): SnapshotInstruments => ({
      duration: telemetry.histogram(histograms.snapshot, { ...of, 'quorate.raft.snapshot.action': action }),
      size: telemetry.histogram(histograms.size, { ...of, 'quorate.raft.snapshot.action': action }),
    });
    this.taken = snapshots('take');
    this.sent = snapshots('send');
    this.installed = snapshots('install');
    this.#begun = telemetry.counter(counters.begun, of);
    this.#won = telemetry.counter(counters.won, of);
    this.#lost = telemetry.counter(counters.lost, of);
    this.#observed = observeGroup(telemetry, group, observe);
  }

  /** Before another node's vote is counted a candidate only asks whether it would get it: that is no election yet. */
  roleChanged(from: Role, to: Role): void {
    if (to === 'candidate' && from !== 'candidate') this.#begun.add(1);
    // A candidate alone wins within the turn in which it begins.
    if (to === 'leader' && from !== 'leader') {
      if (from !== 'candidate') this.#begun.add(1);
      this.#won.add(1);
    }
    if (from === 'candidate' && to !== 'leader' && to !== 'candidate') this.#lost.add(1);
  }

  /** So many entries are handed to the machine. Returns what is to be called when it has applied them. */
  applying(entries: number, clock: Clock, settled: () => void): () => void {
    this.#applyEntries.record(entries);
    const duration = this.#applyDuration;
    if (!duration.isEnabled) return settled;
    const began = clock.now();
    return () => {
      duration.record((clock.now() - began) / 1000);
      settled();
    };
  }

  /** A span of what is a part of something that is traced: without a parent, nothing is. */
  span(name: SpanName, parent: string | undefined, kind: SpanOptions['kind'] = 'internal'): Span {
    if (parent === undefined) return noSpan;
    return this.#telemetry.startSpan(`quorate.raft.${name}`, { parent, kind, attributes: this.#of });
  }

  /** One of what the active span has called. */
  activeSpan(name: SpanName): Span {
    return this.span(name, this.#telemetry.activeCarrier());
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}

type Running = NonNullable<ObservedGroup['running']>;

function observeGroup(telemetry: Telemetry, group: number, observe: () => ObservedGroup): readonly Disposable[] {
  const of = { [GROUP]: group };
  const ofStatus = (instrument: InstrumentAbout, value: (status: GroupStatus) => number): Disposable =>
    telemetry.gauge(instrument, (tell) => tell(value(observe().status)), of);
  const ofRunning = (instrument: InstrumentAbout, value: (running: Running) => number): Disposable =>
    telemetry.gauge(
      instrument,
      (tell) => {
        const { running } = observe();
        if (running !== undefined) tell(value(running));
      },
      of,
    );
  const ofState = (
    instrument: InstrumentAbout,
    name: string,
    states: readonly string[],
    current: (status: GroupStatus) => string,
  ): Disposable =>
    telemetry.gauge(
      instrument,
      (tell) => {
        const now = current(observe().status);
        for (const state of states) tell(state === now ? 1 : 0, { [name]: state });
      },
      of,
    );
  const lag = telemetry.gauge(
    gauges.lag,
    (tell) => {
      for (const peer of observe().peers) tell(peer.lag, { 'quorate.peer.id': peer.nodeId });
    },
    of,
  );
  return [
    lag,
    ofState(gauges.role, 'quorate.raft.role', ROLES, ({ role }) => role),
    ofState(gauges.phase, 'quorate.raft.phase', PHASES, ({ phase }) => phase),
    ofStatus(gauges.term, ({ term }) => term),
    ofStatus(gauges.commit, ({ commitIndex }) => commitIndex),
    ofStatus(gauges.applied, ({ appliedIndex }) => appliedIndex),
    ofRunning(gauges.last, ({ lastIndex }) => lastIndex),
    ofRunning(gauges.entries, ({ firstIndex, lastIndex }) => lastIndex + 1 - firstIndex),
    ofRunning(gauges.voters, ({ voters }) => voters),
    ofRunning(gauges.pending, ({ pendingBytes }) => pendingBytes),
    ofRunning(gauges.reads, ({ waitingReads }) => waitingReads),
  ];
}
