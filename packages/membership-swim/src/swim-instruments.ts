import { aboutInstruments, durationBuckets, type Histogram, type InstrumentAbout, type Telemetry } from '@quorate/core';
import type { SwimMembershipStats } from './stats.ts';

const about = aboutInstruments('quorate.swim');

const sums: readonly (readonly [InstrumentAbout, (stats: SwimMembershipStats) => number])[] = [
  [about('probes', '{probe}', 'Probes of members that this node began'), ({ protocol }) => protocol.probes],
  [
    about('probes.indirect', '{request}', 'How often another member was asked to probe for this node'),
    ({ protocol }) => protocol.indirectProbes,
  ],
  [
    about('probes.stream', '{probe}', 'Probes that were tried over a connection as well'),
    ({ protocol }) => protocol.streamProbes,
  ],
  [about('probes.failed', '{probe}', 'Probes that nobody answered in time'), ({ protocol }) => protocol.failedProbes],
  [
    about('suspicions', '{suspicion}', 'Suspicions that this node raised itself'),
    ({ protocol }) => protocol.suspicions,
  ],
  [
    about('confirmations', '{suspicion}', 'Suspicions of others that this node joined in'),
    ({ protocol }) => protocol.confirmations,
  ],
  [
    about('refutations', '{refutation}', 'How often this node was suspected or called dead, and told otherwise'),
    ({ protocol }) => protocol.refutations,
  ],
  [about('pauses', '{pause}', 'Gaps in which this node itself stood still'), ({ protocol }) => protocol.pauses],
  [
    about('rumours.dropped', '{rumour}', 'Rumours that a full queue dropped'),
    ({ protocol }) => protocol.droppedRumours,
  ],
  [about('conflicts', '{conflict}', 'How often an id that is taken was heard of again'), ({ conflicts }) => conflicts],
  [about('datagrams.sent', '{datagram}', 'Datagrams that were sent'), ({ datagrams }) => datagrams.sent],
  [
    about('datagrams.sent.size', 'By', 'Sent in datagrams, without headers of UDP'),
    ({ datagrams }) => datagrams.sentBytes,
  ],
  [about('datagrams.received', '{datagram}', 'Datagrams that were received'), ({ datagrams }) => datagrams.received],
  [
    about('datagrams.received.size', 'By', 'Received in datagrams, without headers of UDP'),
    ({ datagrams }) => datagrams.receivedBytes,
  ],
  [
    about('exchanges', '{exchange}', 'Exchanges of all that is known that this node began'),
    ({ exchanges }) => exchanges.begun,
  ],
  [about('exchanges.failed', '{exchange}', 'Of those, the ones that failed'), ({ exchanges }) => exchanges.failed],
  [about('exchanges.sent.size', 'By', 'Sent in exchanges'), ({ exchanges }) => exchanges.sentBytes],
  [about('exchanges.received.size', 'By', 'Received in exchanges'), ({ exchanges }) => exchanges.receivedBytes],
];

const refused = about('datagrams.refused', '{datagram}', 'Datagrams that were not believed, by why');
const health = about(
  'local_health',
  '{step}',
  'How well this node is itself: 0 is well, each step makes it slower to blame others',
);
const size = about('members', '{member}', 'Members that live as far as is known, this node included');
const roundTrip = {
  ...about('probe.duration', 's', 'From the first ping of a probe until the member itself answered'),
  buckets: durationBuckets,
};

/** What is measured of the protocol; all but the round trips is counted by it anyway. */
export class SwimInstruments implements Disposable {
  readonly roundTrip: Histogram;
  readonly #observed: readonly Disposable[];

  constructor(telemetry: Telemetry, stats: () => SwimMembershipStats) {
    this.roundTrip = telemetry.histogram(roundTrip);
    this.#observed = [
      ...sums.map(([instrument, value]) => telemetry.observedCounter(instrument, (tell) => tell(value(stats())))),
      telemetry.observedCounter(refused, (tell) => {
        for (const [reason, count] of Object.entries(stats().datagrams.refused))
          tell(count, { 'quorate.swim.refusal': reason });
      }),
      telemetry.gauge(health, (tell) => tell(stats().localHealth)),
      telemetry.gauge(size, (tell) => tell(stats().size)),
    ];
  }

  [Symbol.dispose](): void {
    for (const observed of this.#observed) observed[Symbol.dispose]();
  }
}
