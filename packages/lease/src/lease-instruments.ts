import { aboutInstruments, type Counter, durationBuckets, type Histogram, type Telemetry } from '@quorate/core';

const about = aboutInstruments('quorate.lease');

const renewal = {
  ...about('renewal.duration', 's', 'How long the engine took to renew a lease, by what came of it'),
  buckets: durationBuckets,
};
const grants = about('grants', '{grant}', 'Leases of an engine that this node got, for its election and its locks');
const ends = about('grants.ended', '{grant}', 'Of those, the ones that have ended, by whatever cause');

/** What is measured of the leases of one part of a node. */
export interface LeaseInstruments {
  readonly renewed: Histogram;
  readonly failed: Histogram;
  readonly grants: Counter;
  readonly ends: Counter;
}

/** @param part whose leases they are: the name of the plugin */
export function leaseInstruments(telemetry: Telemetry, part: string): LeaseInstruments {
  const of = { 'quorate.lease.part': part };
  return {
    renewed: telemetry.histogram(renewal, { ...of, 'quorate.outcome': 'renewed' }),
    failed: telemetry.histogram(renewal, { ...of, 'quorate.outcome': 'failed' }),
    grants: telemetry.counter(grants, of),
    ends: telemetry.counter(ends, of),
  };
}
