import {
  aboutInstruments,
  type Counter,
  type DisconnectReason,
  durationBuckets,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  type Telemetry,
} from '@quorate/core';

/** Counted as it comes and goes, and told when somebody collects. */
export class Traffic {
  receivedBytes = 0;
  sentBytes = 0;
  receivedFrames = 0;
  sentFrames = 0;
  /** Requests of this node that wait for their answers. */
  requests = 0;
}

const about = aboutInstruments('quorate.transport');

const instruments = {
  peers: about('peers', '{peer}', 'Peers that are connected'),
  received: about('received.size', 'By', 'What was received from others, without encryption and the headers of TCP'),
  sent: about('sent.size', 'By', 'What was sent to others, without encryption and the headers of TCP'),
  receivedFrames: about('received.frames', '{frame}', 'Frames that were received'),
  sentFrames: about('sent.frames', '{frame}', 'Frames that were sent'),
  queue: about(
    'queue.size',
    'By',
    'What was given to be sent and the operating system has not yet, of all connections',
  ),
  inFlight: about('requests.pending', '{request}', 'Requests of this node that wait for their answers'),
  opened: about('connections.opened', '{connection}', 'Connections with peers that were made, whoever dialled'),
  closed: about('connections.closed', '{connection}', 'Connections with peers that have ended, by why'),
  refused: about('handshakes.refused', '{connection}', 'Incoming connections that came to nothing and were reported'),
  unreachable: about('dials.failed', '{connection}', 'Dials that failed, or that the other side refused'),
  dropped: about('messages.dropped', '{message}', 'Messages that were not sent, since the queue for the peer was full'),
};

const request: HistogramAbout = {
  ...about(
    'request.duration',
    's',
    'From a request until what came of it: an answer, an error of the other side, none',
  ),
  buckets: durationBuckets,
};

const REASONS: readonly DisconnectReason[] = ['goodbye', 'closed', 'timeout', 'protocol', 'released', 'local'];

/** What the gauges look at. */
interface Observed {
  readonly peers: number;
  readonly queuedBytes: number;
}

/** What a transport measures. */
export class TransportInstruments implements Disposable {
  readonly traffic: Traffic = new Traffic();
  readonly answered: Histogram;
  readonly failed: Histogram;
  readonly unanswered: Histogram;
  readonly opened: Counter;
  readonly refused: Counter;
  readonly unreachable: Counter;
  readonly dropped: Counter;
  readonly #closed: ReadonlyMap<DisconnectReason, Counter>;
  readonly #observed: readonly Disposable[];

  constructor(telemetry: Telemetry, observe: () => Observed) {
    this.answered = telemetry.histogram(request, { 'quorate.outcome': 'answered' });
    this.failed = telemetry.histogram(request, { 'quorate.outcome': 'failed' });
    this.unanswered = telemetry.histogram(request, { 'quorate.outcome': 'unanswered' });
    this.opened = telemetry.counter(instruments.opened);
    this.refused = telemetry.counter(instruments.refused);
    this.unreachable = telemetry.counter(instruments.unreachable);
    this.dropped = telemetry.counter(instruments.dropped);
    this.#closed = new Map(
      REASONS.map((reason) => [
        reason,
        telemetry.counter(instruments.closed, { 'quorate.transport.close.reason': reason }),
      ]),
    );
    const { traffic } = this;
    const sum = (instrument: InstrumentAbout, value: () => number): Disposable =>
      telemetry.observedCounter(instrument, (tell) => tell(value()));
    const gauge = (instrument: InstrumentAbout, value: () => number): Disposable =>
      telemetry.gauge(instrument, (tell) => tell(value()));
    this.#observed = [
      sum(instruments.received, () => traffic.receivedBytes),
      sum(instruments.sent, () => traffic.sentBytes),
      sum(instruments.receivedFrames, () => traffic.receivedFrames),
      sum(instruments.sentFrames, () => traffic.sentFrames),
      gauge(instruments.peers, () => observe().peers),
      gauge(instruments.queue, () => observe().queuedBytes),
      gauge(instruments.inFlight, () => traffic.requests),
    ];
  }

  closed(reason: DisconnectReason): void {
    this.#closed.get(reason)?.add(1);
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}
